import pg from "pg";
import type { Config } from "./config.js";
import { log, reason } from "./log.js";

// bigint columns fit into a number here: ids count up from 1.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

export function openDatabase(config: Config, connections: number): pg.Pool {
  const { name, ...rest } = config.database;
  const pool = new pg.Pool({ ...rest, database: name, max: connections, connectionTimeoutMillis: 5000 });
  // An idle connection that breaks (the database restarts) is replaced by the pool; without a listener it is fatal.
  pool.on("error", (error) => log("warn", "database connection lost, continuing", { error: reason(error) }));
  return pool;
}

/** Runs `work` in a transaction, rolled back when it throws. */
export async function transaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}
