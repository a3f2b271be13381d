import { createServer, IncomingMessage, ServerResponse } from "node:http";
import Redis from "ioredis";
import { Pool } from "pg";
import { jobQueue, SummarizeJob } from "../shared/jobs";
import { log, onShutdown } from "../shared/log";
import { databaseSettings, redisUrl } from "../shared/settings";

const greeting = "focus, one session at a time";
const port = Number(process.env.PORT ?? 3000);
const database = new Pool(databaseSettings());
const redis = new Redis(redisUrl());
database.on("error", (error) => log("database connection lost", { message: error.message }));
redis.on("error", (error) => log("redis connection lost", { message: error.message }));

class BadRequest extends Error {}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = "";
  for await (const chunk of request) {
    text += chunk;
    if (text.length > 64 * 1024) throw new BadRequest("body is larger than 64 KiB");
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new BadRequest("body is not JSON");
  }
}

async function createSession(request: IncomingMessage) {
  const body = await readJson(request);
  const habit = typeof body.habit === "string" ? body.habit.trim() : "";
  const minutes = Number(body.minutes);
  if (!habit || habit.length > 100) throw new BadRequest("habit must be a text of 1 to 100 characters");
  if (!Number.isInteger(minutes) || minutes < 1 || minutes > 1440) throw new BadRequest("minutes must be 1 to 1440");
  const { rows } = await database.query(
    "INSERT INTO session (habit, minutes) VALUES ($1, $2) RETURNING id, habit, minutes, created_at", [habit, minutes]);
  const job: SummarizeJob = { kind: "summarize", habit };
  await redis.lpush(jobQueue, JSON.stringify(job));
  return rows[0];
}

async function route(request: IncomingMessage): Promise<[number, unknown]> {
  const url = new URL(request.url ?? "/", "http://localhost");
  const target = `${request.method} ${url.pathname}`;
  if (target === "GET /") return [200, { greeting }];
  if (target === "GET /health") {
    await Promise.all([database.query("SELECT 1"), redis.ping()]);
    return [200, { status: "ok" }];
  }
  if (target === "POST /sessions") return [201, await createSession(request)];
  if (target === "GET /sessions") {
    const { rows } = await database.query("SELECT id, habit, minutes, created_at FROM session ORDER BY id DESC LIMIT 100");
    return [200, rows];
  }
  const habit = /^GET \/habits\/([^/]+)$/.exec(target);
  if (habit) {
    const { rows } = await database.query(
      "SELECT habit, sessions, minutes, updated_at FROM summary WHERE habit = $1", [decodeURIComponent(habit[1])]);
    return rows.length > 0 ? [200, rows[0]] : [404, { error: "no such habit yet" }];
  }
  return [404, { error: "no such resource" }];
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let status: number;
  let body: unknown;
  try {
    [status, body] = await route(request);
  } catch (error) {
    status = error instanceof BadRequest ? 400 : 503;
    body = { error: error instanceof Error ? error.message : String(error) };
    if (status === 503) log("request failed", { url: request.url, ...(body as object) });
  }
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body) + "\n");
}

const server = createServer((request, response) => void handle(request, response));
server.listen(port, () => log("listening", { port }));
onShutdown(async () => {
  server.close();
  server.closeIdleConnections();
  await database.end();
  redis.disconnect();
});
