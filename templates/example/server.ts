/** Starts the service and stops it cleanly. Everything it does is in app.ts. */
import { createApp } from "./app.ts";
import { readSettings } from "./settings.ts";
import { WarmUp } from "./warm-up.ts";

const settings = readSettings(process.env);
const warmUp = new WarmUp(settings.warmUpMs);
const server = createApp(settings, warmUp);

process.once("SIGTERM", stop);
process.once("SIGINT", stop);

server.listen(settings.port, () => {
  tell(`${settings.name} ${settings.version} listens on port ${settings.port}`);
});
await warmUp.run();
tell("ready");

/** Takes no new requests, lets those under way finish, and ends. */
function stop(): void {
  warmUp.drain();
  tell("stopping");
  server.close(() => process.exit(0));
  setInterval(() => server.closeIdleConnections(), 50).unref();
}

function tell(message: string): void {
  process.stdout.write(`${message}\n`);
}
