/** A gateway in a process of its own, as its container runs it, for what only a process can do: end, crash, use memory. */
import { execa } from "execa";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Upstream } from "../../src/gateway/config.ts";
import { mintKey } from "../../src/gateway/protocol.ts";

const main = join(import.meta.dirname, "../../src/gateway/main.ts");

/** A gateway's process that serves. */
export type GatewayProcess = Readonly<{
  url: string;
  observabilityUrl: string;
  key: string;
  kill: (signal: NodeJS.Signals) => void;
  /** Resolves with the log line of the first such event, past or to come. */
  untilLogged: (event: string) => Promise<Line>;
  /** Resolves with the log line of the next such event. */
  nextLogged: (event: string) => Promise<Line>;
  /** How it ended. */
  ended: Promise<Readonly<{ exitCode: number | undefined; log: string }>>;
  stop: () => Promise<void>;
}>;

/** Starts a gateway with one key in front of these upstreams; `flags` are Node's. */
export async function startGatewayProcess(
  upstreams: readonly Upstream[],
  {
    environment = {},
    flags = [],
  }: Readonly<{ environment?: Record<string, string>; flags?: readonly string[] }> = {},
): Promise<GatewayProcess> {
  const data = await mkdtemp(join(tmpdir(), "nexus-gateway-"));
  const env = {
    NEXUS_GATEWAY_DATA: data,
    NEXUS_GATEWAY_SOCKET: join(data, "control.sock"),
    NEXUS_GATEWAY_API_PORT: "0",
    NEXUS_GATEWAY_OBSERVABILITY_PORT: "0",
    NEXUS_GATEWAY_HOST: "127.0.0.1",
    ...environment,
  };
  const child = execa(process.execPath, [...flags, main], { env, reject: false });
  const { nextLogged, untilLogged } = follow(child.stdout);
  const { api_port: api, observability_port: observability } =
    await untilLogged("gateway.listening");
  const { key, record } = mintKey({ name: "default", scopes: ["inference"] }, new Date());
  const config = { version: 1, stack: "test", upstreams, aliases: {} };
  const orders = [
    { id: 1, op: "keys.add", key: record },
    { id: 2, op: "configure", config },
  ];
  const input = orders.map((order) => `${JSON.stringify(order)}\n`).join("");
  await execa(process.execPath, [main, "control"], { env, input });
  const ended = child.then(({ exitCode, stdout }) => ({ exitCode, log: stdout }));
  return {
    url: `http://127.0.0.1:${String(api)}`,
    observabilityUrl: `http://127.0.0.1:${String(observability)}`,
    key,
    kill: (signal) => void child.kill(signal),
    untilLogged,
    nextLogged,
    ended,
    stop: async () => {
      child.kill("SIGKILL");
      await ended;
      await rm(data, { recursive: true, force: true });
    },
  };
}

type Line = Readonly<Record<string, unknown>>;

function follow(stdout: NodeJS.ReadableStream) {
  const lines: Line[] = [];
  const listeners = new Set<(line: Line) => void>();
  let rest = "";
  stdout.on("data", (data) => {
    const parts = `${rest}${data}`.split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const line: Line = JSON.parse(part);
      lines.push(line);
      for (const listener of listeners) listener(line);
    }
  });
  const nextLogged = (event: string) =>
    new Promise<Line>((resolve) => {
      const listener = (line: Line) => {
        if (line["event"] !== event) return;
        listeners.delete(listener);
        resolve(line);
      };
      listeners.add(listener);
    });
  const untilLogged = async (event: string) =>
    lines.find((line) => line["event"] === event) ?? nextLogged(event);
  return { nextLogged, untilLogged };
}
