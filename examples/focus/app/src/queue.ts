import { Redis } from "ioredis";
import type { Config } from "./config.js";
import { log, reason } from "./log.js";

export function openRedis(config: Config): Redis {
  const redis = new Redis({ ...config.redis, maxRetriesPerRequest: null });
  redis.on("error", (error: unknown) => log("warn", "redis connection lost, continuing", { error: reason(error) }));
  return redis;
}

/**
 * Session ids on their way to the worker. A job moves from the waiting list to the working list in one step and leaves
 * it when done, so that a worker that dies loses nothing.
 */
export class Queue {
  constructor(private readonly redis: Redis, private readonly name: string) {}

  async push(sessionId: number): Promise<void> {
    await this.redis.lpush(this.name, String(sessionId));
  }
  /** The next job, or null after `seconds` without one. */
  async take(seconds: number): Promise<number | null> {
    const job = await this.redis.blmove(this.name, this.working, "RIGHT", "LEFT", seconds);
    return job === null ? null : Number(job);
  }
  async finish(sessionId: number): Promise<void> {
    await this.redis.lrem(this.working, 1, String(sessionId));
  }
  /** Puts back what a worker left unfinished; returns how many. */
  async recover(): Promise<number> {
    let count = 0;
    while ((await this.redis.lmove(this.working, this.name, "RIGHT", "RIGHT")) !== null) count += 1;
    return count;
  }
  async waiting(): Promise<number> {
    return this.redis.llen(this.name);
  }

  private get working(): string {
    return `${this.name}:working`;
  }
}
