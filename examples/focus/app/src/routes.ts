import type pg from "pg";
import type { Queue } from "./queue.js";
import { habitFrom, idFrom, sessionFrom } from "./validation.js";

export interface Reply {
  status: number;
  body: unknown;
}
export interface Request {
  segments: string[];
  query: URLSearchParams;
  body: unknown;
}
export interface Services {
  database: pg.Pool;
  queue: Queue;
  greeting: string;
}

type Handler = (services: Services, request: Request) => Promise<Reply>;

const notFound = (what: string): Reply => ({ status: 404, body: { error: `no such ${what}` } });

const createHabit: Handler = async ({ database }, { body }) => {
  const { name } = habitFrom(body);
  const { rows } = await database.query(
    "INSERT INTO habit (name) VALUES ($1) ON CONFLICT (name) DO NOTHING RETURNING id, name, created_at", [name]);
  if (rows.length === 0) return { status: 409, body: { error: "a habit of this name exists" } };
  return { status: 201, body: rows[0] };
};

const listHabits: Handler = async ({ database }) => {
  const { rows } = await database.query("SELECT id, name, created_at FROM habit ORDER BY id");
  return { status: 200, body: rows };
};

const createSession: Handler = async ({ database, queue }, { body }) => {
  const { habitId, minutes, note } = sessionFrom(body);
  const { rows } = await database.query(
    `INSERT INTO session (habit_id, minutes, note) SELECT id, $2, $3 FROM habit WHERE id = $1
     RETURNING id, habit_id, minutes, note, state, started_at`, [habitId, minutes, note]);
  if (rows.length === 0) return notFound("habit");
  await queue.push(rows[0].id);
  return { status: 202, body: rows[0] };
};

const showSession: Handler = async ({ database }, { segments }) => {
  const { rows } = await database.query(
    "SELECT id, habit_id, minutes, note, state, score, started_at, scored_at FROM session WHERE id = $1",
    [idFrom(segments[1])]);
  return rows.length === 0 ? notFound("session") : { status: 200, body: rows[0] };
};

const listSessions: Handler = async ({ database }, { query }) => {
  const limit = Math.min(Number(query.get("limit")) || 50, 500);
  const { rows } = await database.query(
    "SELECT id, habit_id, minutes, state, score, started_at FROM session ORDER BY id DESC LIMIT $1", [limit]);
  return { status: 200, body: rows };
};

const showStatistics: Handler = async ({ database, queue }) => {
  const { rows } = await database.query(
    `SELECT habit.id, habit.name, coalesce(total.sessions, 0) AS sessions, coalesce(total.minutes, 0) AS minutes,
            coalesce(total.score, 0) AS score, coalesce(total.streak, 0) AS streak
     FROM habit LEFT JOIN total ON total.habit_id = habit.id ORDER BY habit.id`);
  return { status: 200, body: { habits: rows, waiting: await queue.waiting() } };
};

const showHealth: Handler = async ({ database, queue }) => {
  await database.query("SELECT 1");
  return { status: 200, body: { status: "ok", waiting: await queue.waiting() } };
};

const showGreeting: Handler = async ({ greeting }) => ({ status: 200, body: { name: greeting, version: "1.0.0" } });

/** Method and first path segment -> handler; `/sessions/7` is "sessions/:id". */
export const routes: Record<string, Handler> = {
  "GET ": showGreeting,
  "GET health": showHealth,
  "POST habits": createHabit,
  "GET habits": listHabits,
  "POST sessions": createSession,
  "GET sessions": listSessions,
  "GET sessions/:id": showSession,
  "GET statistics": showStatistics,
};
