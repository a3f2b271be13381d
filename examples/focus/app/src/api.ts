import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { loadConfig } from "./config.js";
import { openDatabase } from "./database.js";
import { log, reason } from "./log.js";
import { openRedis, Queue } from "./queue.js";
import { routes, type Reply, type Services } from "./routes.js";
import { onStop } from "./stop.js";
import { BadRequest } from "./validation.js";

const largestBody = 64 * 1024;

async function readJson(message: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of message.setEncoding("utf8")) {
    text += chunk;
    if (text.length > largestBody) throw new BadRequest("body is too large");
  }
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    throw new BadRequest("body is not JSON");
  }
}

async function answer(services: Services, message: IncomingMessage): Promise<Reply> {
  const url = new URL(message.url ?? "/", "http://localhost");
  const segments = url.pathname.split("/").filter((segment) => segment !== "");
  const pattern = segments.length === 2 ? `${segments[0]}/:id` : segments.join("/");
  const handler = routes[`${message.method} ${pattern}`];
  if (!handler) return { status: 404, body: { error: "not found" } };
  try {
    const body = message.method === "POST" ? await readJson(message) : undefined;
    return await handler(services, { segments, query: url.searchParams, body });
  } catch (error) {
    if (error instanceof BadRequest) return { status: 400, body: { error: error.message } };
    log("error", "request failed", { method: message.method, path: url.pathname, error: reason(error) });
    return { status: 503, body: { error: "temporarily unavailable" } };
  }
}

function send(response: ServerResponse, { status, body }: Reply): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

const config = loadConfig();
const database = openDatabase(config, 10);
const redis = openRedis(config);
const services: Services = { database, queue: new Queue(redis, config.queue), greeting: config.greeting };

const server = createServer((message, response) => {
  void answer(services, message).then((reply) => send(response, reply));
});
server.listen(config.port, () => log("info", "api listens", { port: config.port }));

onStop(async () => {
  // Requests under way are finished, new ones go elsewhere.
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  await closed;
  await database.end();
  redis.disconnect();
});
