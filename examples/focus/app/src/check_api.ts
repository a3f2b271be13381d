import { get } from "node:http";

/** The API's health check: exit status 0 when it answers for itself, the database and Redis. */
const request = get({ host: "127.0.0.1", port: Number(process.env["PORT"] ?? 8080), path: "/health", timeout: 2000 },
  (response) => process.exit(response.statusCode === 200 ? 0 : 1));
request.on("timeout", () => request.destroy());
request.on("error", () => process.exit(1));
