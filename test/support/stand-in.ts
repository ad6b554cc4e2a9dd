/** The bed's stand-ins as programs on this machine, for tests that need no engine. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";

/** A running stand-in. */
export type StandIn = Readonly<{
  url: string;
  /** What it has written so far, on both of its outputs. */
  output: () => string;
  stop: () => Promise<void>;
}>;

/** How a stand-in is started; `{port}` in texts is the port that it is to listen on. */
export type StandInOptions = Readonly<{
  args?: readonly string[];
  environment?: Readonly<Record<string, string>>;
  /** Path that is asked until it answers at all, or with `until`. */
  path?: string;
  /** The status that is waited for; any by default. */
  until?: number;
}>;

const programs = join(import.meta.dirname, "../bed/stand-ins");

/** Starts the stand-in of that name and waits until it answers. */
export async function startStandIn(name: string, options: StandInOptions = {}): Promise<StandIn> {
  const port = await freePort();
  const filled = (text: string): string => text.replaceAll("{port}", String(port));
  const environment = Object.entries({ STAND_IN_LOAD_MS: "0", ...options.environment });
  const args = [join(programs, name, "main.ts"), ...(options.args ?? []).map(filled)];
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: Object.fromEntries(environment.map(([key, text]) => [key, filled(text)])),
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const url = `http://127.0.0.1:${port}`;
  const hasEnded = () => child.exitCode !== null;
  await untilAnswers(url, options, () => {
    if (hasEnded()) throw new Error(`the stand-in ended with ${child.exitCode}: ${output}`);
  });
  const stop = async () => {
    if (hasEnded()) return;
    child.kill();
    await once(child, "exit");
  };
  return { url, output: () => output, stop };
}

async function untilAnswers(
  url: string,
  { path = "/health", until }: StandInOptions,
  mustLive: () => void,
): Promise<void> {
  for (;;) {
    mustLive();
    const answer = await fetch(url + path).catch(() => undefined);
    if (answer && (until === undefined || answer.status === until)) return;
  }
}

/** Starts vLLM's stand-in with one model and waits until it serves it. */
export async function startVllm(model: string, chunkMs = 1): Promise<StandIn> {
  return startStandIn("vllm", {
    args: ["--model", model, "--port", "{port}"],
    environment: { STAND_IN_CHUNK_MS: String(chunkMs) },
    until: 200,
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
