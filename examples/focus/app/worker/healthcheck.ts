import { readFileSync } from "node:fs";

// Healthy while the worker's loop has turned within the last ten seconds.
const age = Date.now() - Number(readFileSync("/tmp/heartbeat", "utf8"));
if (age > 10_000) {
  console.error(`last heartbeat ${age} ms ago`);
  process.exit(1);
}
