/** A gateway in this process, on free ports, with its own data directory; and what a test says to it. */
import { mkdtemp, rm } from "node:fs/promises";
import { createConnection } from "node:net";
import { createInterface } from "node:readline";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GatewayConfig, type Upstream, upstreamSchema } from "../../src/gateway/config.ts";
import { startGateway } from "../../src/gateway/gateway.ts";
import { createLog } from "../../src/gateway/metrics/log.ts";
import {
  mintKey,
  type ControlReply,
  type ControlRequest,
  type KeyRecord,
} from "../../src/gateway/protocol.ts";
import { readSettings } from "../../src/gateway/settings.ts";

/** A line of the control channel's answers, less its id. */
export type ControlLine = Readonly<{
  id: number;
  progress?: unknown;
  ok?: unknown;
  error?: { code: string; message: string };
}>;

/** One client of the control channel. */
export type ControlClient = Readonly<{
  /** Sends an order and returns its final line. */
  call: (request: ControlRequest, onProgress?: (value: unknown) => void) => Promise<ControlLine>;
  /** Sends a line as it is. */
  send: (line: string) => void;
  /** The next line, whatever it answers. */
  nextLine: () => Promise<ControlLine>;
  close: () => void;
}>;

/** What a test may change in a request. */
export type AskOptions = Omit<RequestInit, "headers"> & { headers?: Record<string, string> };

/** A gateway under test. */
export type TestGateway = Readonly<{
  url: string;
  observabilityUrl: string;
  /** A key with the scope `inference` and no list of models. */
  key: string;
  data: string;
  socket: string;
  /** Everything the gateway has logged. */
  logText: () => string;
  control: ControlClient;
  connect: () => Promise<ControlClient>;
  configure: (
    upstreams: readonly Upstream[],
    aliases?: GatewayConfig["aliases"],
    changes?: Partial<GatewayConfig>,
  ) => Promise<void>;
  addKey: (details: Partial<KeyRecord> & { name: string }) => Promise<string>;
  /** Asks the API port with the key. */
  ask: (path: string, init?: AskOptions) => Promise<Response>;
  /** Asks for a chat completion with the key. */
  chat: (body: object, init?: AskOptions) => Promise<Response>;
  observe: (path: string) => Promise<Response>;
  /** The value of one series of GET /metrics, written as there: `name{label="value"}`; undefined when there is none. */
  metric: (series: string) => Promise<number | undefined>;
  close: () => Promise<void>;
}>;

/** Starts a gateway with one key; `environment` holds settings that differ from the defaults. */
export async function launchGateway(
  environment: Readonly<Record<string, string>> = {},
  options: Readonly<{ data?: string; withKey?: boolean }> = {},
): Promise<TestGateway> {
  const data = options.data ?? (await mkdtemp(join(tmpdir(), "nexus-gateway-")));
  const settings = readSettings({
    NEXUS_GATEWAY_DATA: data,
    NEXUS_GATEWAY_SOCKET: join(data, "control.sock"),
    NEXUS_GATEWAY_HOST: "127.0.0.1",
    NEXUS_GATEWAY_API_PORT: "0",
    NEXUS_GATEWAY_OBSERVABILITY_PORT: "0",
    NEXUS_GATEWAY_POLL_UNREADY_MS: "50",
    ...environment,
  });
  let logged = "";
  const { log } = createLog((text) => (logged += text));
  const gateway = await startGateway(settings, log);
  const url = `http://127.0.0.1:${gateway.apiPort}`;
  const observabilityUrl = `http://127.0.0.1:${gateway.observabilityPort}`;
  const connect = () => connectControl(settings.socket);
  const control = await connect();
  const addKey = async (details: Partial<KeyRecord> & { name: string }) => {
    const made = mintKey({ scopes: ["inference"], ...details }, new Date());
    await mustSucceed(control.call({ op: "keys.add", key: { ...made.record, ...details } }));
    return made.key;
  };
  const key = options.withKey === false ? "" : await addKey({ name: "default" });
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const ask = (path: string, init: AskOptions = {}) =>
    fetch(url + path, { ...init, headers: { ...headers, ...init.headers } });
  return {
    url,
    observabilityUrl,
    key,
    data,
    socket: settings.socket,
    logText: () => logged,
    control,
    connect,
    addKey,
    configure: async (upstreams, aliases = {}, changes = {}) => {
      const named = { version: 1 as const, stack: "test", aliases };
      const config = { ...named, upstreams: [...upstreams], ...changes };
      await mustSucceed(control.call({ op: "configure", config }));
    },
    ask,
    chat: (body, init) => {
      const chat = { model: "echo", messages: [{ role: "user", content: "hello" }], ...body };
      return ask("/v1/chat/completions", { method: "POST", body: JSON.stringify(chat), ...init });
    },
    observe: (path) => fetch(observabilityUrl + path),
    metric: async (series) => {
      const text = await (await fetch(`${observabilityUrl}/metrics`)).text();
      const line = text.split("\n").find((each) => each.startsWith(`${series} `));
      return line === undefined ? undefined : Number(line.slice(series.length));
    },
    close: async () => {
      control.close();
      await gateway.close();
      if (options.data === undefined) await rm(data, { recursive: true, force: true });
    },
  };
}

/** An upstream as the configuration names it. */
export function upstreamAt(url: string, changes: Readonly<Record<string, unknown>> = {}): Upstream {
  const provides = ["chat", "completion", "embedding"];
  return upstreamSchema.parse({ id: "one", url, provides, probe: {}, ...changes });
}

/** The answer's JSON, in the shape that the test goes on to check. */
export async function jsonOf<Shape>(response: Response): Promise<Shape> {
  return (await response.json()) as Shape;
}

/** The error that an answer tells of. */
export async function errorOf(response: Response): Promise<Record<string, unknown>> {
  return (await jsonOf<{ error: Record<string, unknown> }>(response)).error;
}

/** The ids in a list of models. */
export async function idsOf(response: Response): Promise<string[]> {
  return (await jsonOf<{ data: { id: string }[] }>(response)).data.map(({ id }) => id);
}

/** The final line of an order that must succeed. */
export async function mustSucceed(answer: Promise<ControlLine>): Promise<unknown> {
  const line = await answer;
  if (line.error) throw new Error(`${line.error.code}: ${line.error.message}`);
  return line.ok;
}

async function connectControl(path: string): Promise<ControlClient> {
  const socket = createConnection(path);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  socket.on("error", () => {});
  const calls = new Map<number, (line: ControlLine) => void>();
  const waiting: ((line: ControlLine) => void)[] = [];
  createInterface({ input: socket }).on("line", (text) => {
    const line: ControlReply = JSON.parse(text);
    calls.get(line.id)?.(line);
    waiting.shift()?.(line);
  });
  let lastId = 0;
  const send = (line: string) => void socket.write(`${line}\n`);
  const call: ControlClient["call"] = (request, onProgress) =>
    new Promise((resolve) => {
      lastId += 1;
      calls.set(lastId, (line) =>
        "progress" in line ? onProgress?.(line.progress) : resolve(line),
      );
      send(JSON.stringify({ id: lastId, ...request }));
    });
  const nextLine = () => new Promise<ControlLine>((resolve) => void waiting.push(resolve));
  return { call, send, nextLine, close: () => socket.destroy() };
}
