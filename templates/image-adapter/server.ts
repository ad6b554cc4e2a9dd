/** Starts the service and stops it cleanly. Everything it does is in app.ts. */
import { createApp } from "./app.ts";
import { readSettings } from "./settings.ts";

try {
  start();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

function start(): void {
  const settings = readSettings(process.env);
  const { server, drain } = createApp(settings);
  const stop = (): void => {
    drain();
    tell("stopping");
    server.close(() => process.exit(0));
    setInterval(() => server.closeIdleConnections(), 50).unref();
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  server.listen(settings.port, () => {
    tell(`${settings.name} ${settings.version} listens on port ${settings.port}`);
  });
}

function tell(message: string): void {
  process.stdout.write(`${message}\n`);
}
