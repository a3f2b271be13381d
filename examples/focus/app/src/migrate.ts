import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadConfig } from "./config.js";
import { openDatabase, transaction } from "./database.js";
import { log, reason } from "./log.js";

const folder = process.env["MIGRATIONS"] ?? fileURLToPath(new URL("../../migrations/", import.meta.url));
/** Any number, the same for everyone: two migrations of one database take turns. */
const lock = 7_315_901;

async function migrate(): Promise<void> {
  const database = openDatabase(loadConfig(), 1);
  try {
    const applied = await transaction(database, async (client) => {
      await client.query("SELECT pg_advisory_xact_lock($1)", [lock]);
      await client.query("CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, applied_at timestamptz DEFAULT now())");
      const known = new Set((await client.query("SELECT name FROM migration")).rows.map((row) => row.name as string));
      const missing = readdirSync(folder).filter((name) => name.endsWith(".sql") && !known.has(name)).sort();
      for (const name of missing) {
        await client.query(readFileSync(`${folder}/${name}`, "utf8"));
        await client.query("INSERT INTO migration (name) VALUES ($1)", [name]);
      }
      return missing;
    });
    log("info", "database is up to date", { applied });
  } finally {
    await database.end();
  }
}

migrate().catch((error: unknown) => {
  log("error", "migration failed", { error: reason(error) });
  process.exit(1);
});
