/** Starts the service and stops it cleanly. Everything it does is in app.ts. */
import { createApp } from "./app.ts";
import { readSettings } from "./settings.ts";
import { Speech } from "./speech.ts";

const settings = readSettings(process.env);
const speech = new Speech(settings);
const server = createApp(speech);

process.once("SIGTERM", stop);
process.once("SIGINT", stop);

server.listen(settings.port, () => {
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : settings.port;
  tell(`${settings.name} ${settings.version} listens on port ${port}`);
});
await speech.readiness.try();
tell(JSON.stringify(speech.readiness.report()));

/** Takes no new requests, lets those under way finish, and ends. */
function stop(): void {
  speech.readiness.drain();
  tell("stopping");
  server.close(() => process.exit(0));
  setInterval(() => server.closeIdleConnections(), 50).unref();
}

function tell(message: string): void {
  process.stdout.write(`${message}\n`);
}
