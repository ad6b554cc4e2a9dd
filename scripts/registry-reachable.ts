/**
 * Exits 0 when the engine has the images of a stack file or can begin to pull them within 15 s; else 1, with the reason on
 * stderr. Usage: node scripts/registry-reachable.ts <stack file>
 */
import { connectEngine } from "../src/engine/connect.ts";
import type { Engine } from "../src/engine/engine.ts";
import { NexusError } from "../src/errors.ts";
import { loadStack } from "../src/stack/load.ts";

const patienceMs = 15_000;

/** Pulls until the first layer is announced, then lets go: the engine keeps nothing of it. */
async function pullBegins(engine: Engine, ref: string): Promise<void> {
  const abort = new AbortController();
  const signal = AbortSignal.any([abort.signal, AbortSignal.timeout(patienceMs)]);
  try {
    for await (const { layers } of engine.images.pull(ref, signal)) if (layers > 0) return;
  } finally {
    abort.abort();
  }
}

async function imagesOf(file: string): Promise<readonly string[]> {
  const { stack } = await loadStack({ file, cwd: process.cwd(), environment: process.env });
  return stack.services.flatMap((service) =>
    service.kind === "container" && service.image.kind === "pull" ? [service.image.ref] : [],
  );
}

function explain(error: unknown): string {
  if (error instanceof NexusError) return error.message;
  if (error instanceof Error && /abort|timeout/i.test(error.name)) return "It took too long.";
  throw error;
}

const engine = await connectEngine({ environment: process.env });
try {
  for (const ref of await imagesOf(process.argv[2] ?? "")) {
    if ((await engine.images.inspect(ref)) === undefined) await pullBegins(engine, ref);
  }
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
} finally {
  engine.close();
}
