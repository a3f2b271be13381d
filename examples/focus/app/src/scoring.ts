/** The rules of the game, free of any input or output. */

export const longestSession = 240;

/** Points for a session: one for each minute, and a tenth more for every five minutes past the first quarter hour. */
export function scoreOf(minutes: number): number {
  const bonusSteps = Math.max(0, Math.floor((minutes - 15) / 5));
  return Math.round(minutes * (1 + 0.1 * bonusSteps));
}

/** How many days in a row, ending with the newest, have a session. `days` are ISO dates in any order. */
export function streakOf(days: readonly string[]): number {
  const known = new Set(days);
  const newest = [...known].sort().at(-1);
  if (newest === undefined) return 0;
  let streak = 0;
  for (const day = new Date(`${newest}T00:00:00Z`); known.has(day.toISOString().slice(0, 10)); ) {
    streak += 1;
    day.setUTCDate(day.getUTCDate() - 1);
  }
  return streak;
}
