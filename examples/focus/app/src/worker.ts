import { utimesSync, writeFileSync } from "node:fs";
import type pg from "pg";
import { loadConfig } from "./config.js";
import { openDatabase, transaction } from "./database.js";
import { log, reason } from "./log.js";
import { openRedis, Queue } from "./queue.js";
import { scoreOf, streakOf } from "./scoring.js";
import { onStop } from "./stop.js";

/** The health check looks at this file's age. */
const pulseFile = process.env["PULSE_FILE"] ?? "/tmp/worker-pulse";

function pulse(): void {
  const now = new Date();
  try {
    utimesSync(pulseFile, now, now);
  } catch {
    writeFileSync(pulseFile, "");
  }
}

/** Scores a session and adds it to its habit's totals. Doing it twice changes nothing. */
async function scoreSession(client: pg.PoolClient, sessionId: number): Promise<boolean> {
  const found = await client.query(
    "SELECT habit_id, minutes FROM session WHERE id = $1 AND state = 'waiting' FOR UPDATE", [sessionId]);
  const session = found.rows[0] as { habit_id: number; minutes: number } | undefined;
  if (!session) return false;
  const score = scoreOf(session.minutes);
  await client.query("UPDATE session SET state = 'scored', score = $2, scored_at = now() WHERE id = $1",
    [sessionId, score]);
  const days = await client.query(
    "SELECT DISTINCT to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day FROM session WHERE habit_id = $1",
    [session.habit_id]);
  await client.query(
    `INSERT INTO total (habit_id, sessions, minutes, score, streak) VALUES ($1, 1, $2, $3, $4)
     ON CONFLICT (habit_id) DO UPDATE SET sessions = total.sessions + 1, minutes = total.minutes + $2,
                                          score = total.score + $3, streak = $4`,
    [session.habit_id, session.minutes, score, streakOf(days.rows.map((row) => row.day as string))]);
  return true;
}

const config = loadConfig();
const database = openDatabase(config, 2);
const redis = openRedis(config);
const queue = new Queue(redis, config.queue);
let isRunning = true;

async function work(): Promise<void> {
  const recovered = await queue.recover();
  log("info", "worker waits for sessions", { recovered });
  while (isRunning) {
    pulse();
    const sessionId = await queue.take(1);
    if (sessionId === null) continue;
    try {
      const scored = await transaction(database, (client) => scoreSession(client, sessionId));
      await queue.finish(sessionId);
      log("info", scored ? "session scored" : "session was scored already", { sessionId });
    } catch (error) {
      log("warn", "session not scored, trying again", { sessionId, error: reason(error) });
      await queue.recover();
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

const done = work();
done.catch((error: unknown) => {
  log("error", "worker failed", { error: reason(error) });
  process.exit(1);
});

onStop(async () => {
  isRunning = false;
  await done;
  await database.end();
  redis.disconnect();
});
