import { Client } from "pg";
import { log } from "../shared/log";
import { databaseSettings } from "../shared/settings";

/** Applied in order, each once; never edited, only added to. */
const migrations = [
  `CREATE TABLE session (
     id bigserial PRIMARY KEY, habit text NOT NULL, minutes integer NOT NULL CHECK (minutes > 0),
     created_at timestamptz NOT NULL DEFAULT now())`,
  `CREATE TABLE summary (
     habit text PRIMARY KEY, sessions integer NOT NULL, minutes integer NOT NULL, updated_at timestamptz NOT NULL)`,
  `CREATE INDEX session_by_habit ON session (habit)`,
];

async function main(): Promise<void> {
  const client = new Client(databaseSettings());
  await client.connect();
  await client.query("CREATE TABLE IF NOT EXISTS migration (number integer PRIMARY KEY)");
  const { rows } = await client.query("SELECT coalesce(max(number), 0) AS last FROM migration");
  for (let number = Number(rows[0].last) + 1; number <= migrations.length; ++number) {
    await client.query("BEGIN");
    await client.query(migrations[number - 1]);
    await client.query("INSERT INTO migration VALUES ($1)", [number]);
    await client.query("COMMIT");
    log("migrated", { number });
  }
  await client.end();
  log("schema is up to date", { migrations: migrations.length });
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
