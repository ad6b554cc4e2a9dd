/** The guest program: `gateway.mjs` serves; with `control` or `api` it connects its caller to the one that serves. */
import { writeSync } from "node:fs";
import { bridge } from "./control/bridge.ts";
import { crashReason, createLog, type BufferedLog } from "./metrics/log.ts";
import { readBridgeSettings, readSettings } from "./settings.ts";

const [mode] = process.argv.slice(2);

if (mode === "control" || mode === "api") {
  const { socket, apiPort, patienceMs } = readBridgeSettings(process.env);
  const door = mode === "control" ? { path: socket } : { host: "127.0.0.1", port: apiPort };
  process.exitCode = await bridge(door, patienceMs);
} else if (mode === undefined) await serve();
else {
  process.stderr.write(`Unknown mode "${mode}": give none to serve, or "control" or "api".\n`);
  process.exitCode = 2;
}

async function serve(): Promise<void> {
  // Nobody to read the log is no reason to stop serving.
  process.stdout.on("error", () => {});
  const buffered = createLog((text) => process.stdout.write(text));
  // The bridge is started often and needs none of what the gateway imports.
  const { startGateway } = await import("./gateway.ts");
  const gateway = await startGateway(readSettings(process.env), buffered.log);
  const end = (code: 0 | 1) => {
    process.exitCode = Math.max(Number(process.exitCode ?? 0), code);
    void gateway.close().finally(() => {
      buffered.flush();
      process.exit();
    });
  };
  process.once("SIGTERM", () => end(0));
  process.once("SIGINT", () => end(0));
  process.on("uncaughtException", (error) => crash(buffered, error, () => end(1)));
}

/** What nobody foresaw has left the process in a state that nobody knows: it says so, finishes and ends. */
function crash({ log, flush }: BufferedLog, error: unknown, end: () => void): void {
  const reason = crashReason(error);
  log("error", "gateway.crashed", { reason });
  try {
    flush();
  } catch {
    writeSync(2, `${reason}\n`);
  }
  end();
}
