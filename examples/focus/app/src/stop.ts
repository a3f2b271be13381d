import { log, reason } from "./log.js";

/** Runs `cleanUp` once when the platform asks to stop, then ends; anything that still hangs is ended after 8 seconds. */
export function onStop(cleanUp: () => Promise<void>): void {
  let isStopping = false;
  const stop = (signal: string) => {
    if (isStopping) return;
    isStopping = true;
    log("info", "stopping", { signal });
    setTimeout(() => process.exit(1), 8000).unref();
    cleanUp().then(
      () => process.exit(0),
      (error: unknown) => {
        log("error", "stop failed", { error: reason(error) });
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}
