/** One JSON object a line on stdout: what a container platform's log tools expect. */
export function log(level: "info" | "warn" | "error", message: string, fields: Record<string, unknown> = {}): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`);
}

export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
