/** One JSON object a line, as log collectors like it. */
export function log(event: string, fields: Record<string, unknown> = {}): void {
  console.log(JSON.stringify({ time: new Date().toISOString(), event, ...fields }));
}

/** Runs `close` once on SIGTERM or SIGINT and then ends the process. */
export function onShutdown(close: () => Promise<void>): void {
  let closing = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (closing) return;
      closing = true;
      log("shutdown", { signal });
      close().then(() => process.exit(0), () => process.exit(1));
    });
  }
}
