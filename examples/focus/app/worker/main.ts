import { writeFileSync } from "node:fs";
import Redis from "ioredis";
import { Pool } from "pg";
import { jobQueue, SummarizeJob } from "../shared/jobs";
import { log, onShutdown } from "../shared/log";
import { databaseSettings, redisUrl } from "../shared/settings";

const heartbeatFile = "/tmp/heartbeat";
const database = new Pool(databaseSettings());
const redis = new Redis(redisUrl(), { maxRetriesPerRequest: null });
database.on("error", (error) => log("database connection lost", { message: error.message }));
redis.on("error", (error) => log("redis connection lost", { message: error.message }));
let running = true;

async function summarize(job: SummarizeJob): Promise<void> {
  await database.query(
    `INSERT INTO summary (habit, sessions, minutes, updated_at)
     SELECT habit, count(*), sum(minutes), now() FROM session WHERE habit = $1 GROUP BY habit
     ON CONFLICT (habit) DO UPDATE SET sessions = EXCLUDED.sessions, minutes = EXCLUDED.minutes, updated_at = EXCLUDED.updated_at`,
    [job.habit]);
  log("summarized", { habit: job.habit });
}

async function main(): Promise<void> {
  log("worker started");
  while (running) {
    writeFileSync(heartbeatFile, String(Date.now()));
    try {
      const popped = await redis.brpop(jobQueue, 2);
      if (popped) await summarize(JSON.parse(popped[1]) as SummarizeJob);
    } catch (error) {
      log("job failed", { message: error instanceof Error ? error.message : String(error) });
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

onShutdown(async () => {
  running = false;
  redis.disconnect();
  await database.end();
});
void main();
