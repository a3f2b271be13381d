import { readFileSync } from "node:fs";

/** Everything a process needs to know, from its environment; the password only ever from a file. */
export function databaseSettings() {
  const passwordFile = required("DB_PASSWORD_FILE");
  return {
    host: required("DB_HOST"),
    port: Number(process.env.DB_PORT ?? 5432),
    database: process.env.DB_NAME ?? "focus",
    user: process.env.DB_USER ?? "focus",
    password: readFileSync(passwordFile, "utf8").trim(),
    max: 8,
  };
}

export function redisUrl(): string {
  return required("REDIS_URL");
}

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}
