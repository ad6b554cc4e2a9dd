/** Asks inside a container whether it really sees its GPUs: engines exist that accept the request and start on the CPU. */
import { addAbortSignal, type Readable } from "node:stream";
import type { Engine, GpuDevices } from "../engine/engine.ts";
import { NexusError } from "../errors.ts";

/** NVIDIA's runtime puts this program into every container that it gives a GPU with the `utility` capability. */
const listGpus = ["nvidia-smi", "-L"];
const askUsed = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"];

/**
 * What is missing inside the container, in a sentence; undefined when it sees all of its GPUs, or is gone and somebody
 * else has to say why. AMD devices are nodes of the file system: `inspect` proves those.
 */
export async function missingGpus(
  engine: Engine,
  id: string,
  gpus: GpuDevices | undefined,
): Promise<string | undefined> {
  if (gpus === undefined || gpus.kind === "amd") return undefined;
  const seen = await askInside(engine, id);
  if (seen === undefined) return undefined;
  const missing = gpus.ids.map(deviceName).filter((gpu) => !seen.includes(gpu));
  return missing.length === 0
    ? undefined
    : `it was given ${missing.join(", ")} and does not see it`;
}

/** CDI names a device with its vendor and class in front: `nvidia.com/gpu=GPU-…`. */
const deviceName = (id: string): string => id.slice(id.indexOf("=") + 1);

async function askInside(engine: Engine, id: string): Promise<string | undefined> {
  try {
    const { exitCode, text } = await listGpusInside(engine, id);
    return exitCode === 0 ? text : "";
  } catch (error) {
    if (!(error instanceof NexusError)) throw error;
    const container = await engine.containers.inspect(id);
    return container?.state === "running" ? "" : undefined;
  }
}

/** What NVIDIA's program says inside a container, on both of its streams. Throws the engine's refusal to run it. */
export async function listGpusInside(engine: Engine, id: string): Promise<Told> {
  return runInside(engine, id, listGpus);
}

/** Bytes in use on all GPUs that a container sees; undefined where nobody tells. */
export async function usedGpuBytes(engine: Engine, id: string): Promise<number | undefined> {
  try {
    const { exitCode, text } = await runInside(engine, id, askUsed);
    const used = text.trim().split("\n").map(Number);
    const known = exitCode === 0 && used.every(Number.isFinite);
    return known ? used.reduce((sum, mebibytes) => sum + mebibytes, 0) * 1024 ** 2 : undefined;
  } catch (error) {
    if (!(error instanceof NexusError)) throw error;
    return undefined;
  }
}

type Told = Readonly<{ exitCode: number; text: string }>;

/** In characters; a machine full of GPUs is told in a few thousand. */
const longestAnswer = 1024 * 1024;

/** A driver that wakes many GPUs takes a while; one that hangs never answers. */
const patienceMs = 60_000;

/** Exit code of a program that was not waited for any longer, as of `timeout` in coreutils. */
const givenUp = 124;

/** The program is the container's own affair: whatever it is there, it is waited for and listened to within bounds. */
async function runInside(engine: Engine, id: string, command: readonly string[]): Promise<Told> {
  const execution = await engine.containers.exec(id, command);
  execution.stdin.end();
  const enough = new AbortController();
  const timer = setTimeout(() => enough.abort(), patienceMs);
  try {
    const streams = [execution.stdout, execution.stderr];
    const texts = await Promise.all(streams.map(async (stream) => wholeOf(stream, enough)));
    return { exitCode: await execution.exitCode, text: texts.join("") };
  } catch (error) {
    if (!enough.signal.aborted) throw error;
    return { exitCode: givenUp, text: "" };
  } finally {
    clearTimeout(timer);
  }
}

/** Rejects once there is more of it than enough, or there has been elsewhere. */
async function wholeOf(stream: Readable, enough: AbortController): Promise<string> {
  const pieces: string[] = [];
  let length = 0;
  for await (const chunk of addAbortSignal(enough.signal, stream)) {
    const piece = String(chunk);
    length += piece.length;
    if (length > longestAnswer) enough.abort();
    else pieces.push(piece);
  }
  return pieces.join("");
}
