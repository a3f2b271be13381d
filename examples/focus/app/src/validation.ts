import { longestSession } from "./scoring.js";

/** What a client did wrong; its message goes back to it. */
export class BadRequest extends Error {}

function record(body: unknown): Record<string, unknown> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw new BadRequest("expected a JSON object");
  return body as Record<string, unknown>;
}

export function habitFrom(body: unknown): { name: string } {
  const { name } = record(body);
  if (typeof name !== "string" || name.trim() === "") throw new BadRequest("name must be a text");
  if (name.length > 100) throw new BadRequest("name must have at most 100 characters");
  return { name: name.trim() };
}

export function sessionFrom(body: unknown): { habitId: number; minutes: number; note: string } {
  const { habitId, minutes, note } = record(body);
  if (!Number.isSafeInteger(habitId)) throw new BadRequest("habitId must be a whole number");
  if (!Number.isInteger(minutes) || (minutes as number) < 1 || (minutes as number) > longestSession) {
    throw new BadRequest(`minutes must be a whole number from 1 to ${longestSession}`);
  }
  if (note !== undefined && typeof note !== "string") throw new BadRequest("note must be a text");
  return { habitId: habitId as number, minutes: minutes as number, note: (note as string | undefined) ?? "" };
}

export function idFrom(segment: string | undefined): number {
  const id = Number(segment);
  if (!Number.isSafeInteger(id) || id < 1) throw new BadRequest("id must be a whole number");
  return id;
}
