import { readFileSync } from "node:fs";

/** Where the application runs and what it talks to, read once from the environment. */
export interface Config {
  port: number;
  database: { host: string; port: number; name: string; user: string; password: string };
  redis: { host: string; port: number };
  queue: string;
  greeting: string;
}

function text(name: string, fallback: string): string {
  const value = process.env[name];
  return value === undefined || value === "" ? fallback : value;
}

function number(name: string, fallback: number): number {
  const value = Number(text(name, String(fallback)));
  if (!Number.isInteger(value) || value < 0) throw new Error(`${name} must be a whole number`);
  return value;
}

/** A secret is a file (DB_PASSWORD_FILE), so that it shows up neither in `inspect` nor in a child's environment. */
function secret(name: string): string {
  const file = process.env[`${name}_FILE`];
  return file ? readFileSync(file, "utf8").trim() : text(name, "");
}

export function loadConfig(): Config {
  return {
    port: number("PORT", 8080),
    database: {
      host: text("DB_HOST", "db"),
      port: number("DB_PORT", 5432),
      name: text("DB_NAME", "focus"),
      user: text("DB_USER", "focus"),
      password: secret("DB_PASSWORD"),
    },
    redis: { host: text("REDIS_HOST", "cache"), port: number("REDIS_PORT", 6379) },
    queue: text("QUEUE", "focus:sessions"),
    greeting: text("GREETING", "focus"),
  };
}
