/** The bed's stand-in for vLLM as a program on this machine, for tests that need no engine. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";

/** A running stand-in. */
export type StandIn = Readonly<{ url: string; stop: () => Promise<void> }>;

const program = join(import.meta.dirname, "../bed/stand-ins/vllm/main.ts");

/** Starts the stand-in with one model and waits until it serves it. */
export async function startVllm(model: string, chunkMs = 1): Promise<StandIn> {
  const port = await freePort();
  const child = spawn(process.execPath, [program, "--model", model, "--port", String(port)], {
    stdio: "ignore",
    env: { STAND_IN_LOAD_MS: "0", STAND_IN_CHUNK_MS: String(chunkMs) },
  });
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the stand-in ended with ${child.exitCode}`);
    const answer = await fetch(`${url}/health`).catch(() => undefined);
    if (answer?.ok) break;
  }
  const stop = async () => {
    if (child.exitCode !== null) return;
    child.kill();
    await once(child, "exit");
  };
  return { url, stop };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
