import { statSync } from "node:fs";

/** The worker's health check: exit status 0 when its loop came round within the last ten seconds. */
const pulseFile = process.env["PULSE_FILE"] ?? "/tmp/worker-pulse";
const age = Date.now() - (statSync(pulseFile, { throwIfNoEntry: false })?.mtimeMs ?? 0);
process.exit(age < 10_000 ? 0 : 1);
