import { loadConfig } from "./config.js";
import { openDatabase } from "./database.js";
import { reason } from "./log.js";
import { openRedis, Queue } from "./queue.js";

/** Prints what is going on, as a table for people: `compose run --rm admin`. */
async function report(): Promise<void> {
  const config = loadConfig();
  const database = openDatabase(config, 1);
  const redis = openRedis(config);
  try {
    const { rows } = await database.query(
      `SELECT habit.name, count(session.id) AS sessions, coalesce(sum(session.score), 0) AS score
       FROM habit LEFT JOIN session ON session.habit_id = habit.id GROUP BY habit.id ORDER BY habit.id`);
    console.log("HABIT                SESSIONS      SCORE");
    for (const row of rows) {
      console.log(`${String(row.name).padEnd(20)} ${String(row.sessions).padStart(8)} ${String(row.score).padStart(10)}`);
    }
    console.log(`waiting: ${await new Queue(redis, config.queue).waiting()}`);
  } finally {
    await database.end();
    redis.disconnect();
  }
}

report().catch((error: unknown) => {
  console.error(`admin: ${reason(error)}`);
  process.exit(1);
});
