/** Finds out whether a service computes on its GPUs: asks its container, the service itself and its logs. */
import type { Engine, GpuDevices } from "../engine/engine.ts";
import { NexusError } from "../errors.ts";
import type { Upstream } from "../gateway/config.ts";
import type { GatewayLink } from "../readiness/gateway-link.ts";
import {
  type AskedCheck,
  type GpuTruth,
  judgeAnswer,
  judgeLines,
  lossIn,
} from "../readiness/gpu-truth.ts";
import { askUpstream, requestUpstream } from "../readiness/upstream-request.ts";
import type { GpuCheck } from "../stack/stack.ts";
import { listGpusInside } from "./verify-gpu.ts";

/** A service that was given GPUs, and the ways to ask about them. */
export type GpuUse = Readonly<{
  engine: Engine;
  containerId: string;
  /** ISO 8601; what it wrote before belongs to another run. */
  startedAt: string;
  gpus: GpuDevices;
  check?: GpuCheck | undefined;
  /** Undefined where the service does not speak HTTP. */
  upstream?: Upstream | undefined;
  link: () => Promise<GatewayLink>;
}>;

const answerDeadlineMs = 10_000;

/** Software tells its device when it starts and when it loads; what it writes a day later is about requests. */
const startMs = 30 * 60_000;
const mostLines = 20_000;
const lastLines = 200;

/** Asks without loading anything. What cannot be found out is unknown, never assumed. */
export async function readGpuTruth(use: GpuUse): Promise<GpuTruth> {
  const loss = use.gpus.kind === "amd" ? undefined : await lossInside(use);
  if (loss !== undefined) return { kind: "lost", detail: `inside its container: ${loss}` };
  const truth = await truthOf(use);
  if (truth.kind !== "cpu") return truth;
  const said = await linesOf(use, { tail: lastLines });
  const told = said.map(lossIn).findLast((words) => words !== undefined);
  return told === undefined ? truth : { kind: "lost", detail: `it wrote "${told}"` };
}

/** Has Ollama load the first of its declared models, which alone shows where it computes; resolves at once for others. */
export async function warmUp(
  { check, upstream, link }: GpuUse,
  within: Readonly<{ stallTimeoutMs: number; signal: AbortSignal }>,
): Promise<void> {
  const [model] = upstream?.models ?? [];
  if (check?.kind !== "ollama" || upstream === undefined || model === undefined) return;
  const signal = AbortSignal.any([within.signal, AbortSignal.timeout(within.stallTimeoutMs)]);
  const ask = async (path: string, body: object): Promise<number> =>
    requestUpstream({
      link: await link(),
      upstream,
      method: "POST",
      path,
      body,
      onText: () => undefined,
      signal,
    });
  const status = await ask("/api/generate", { model, stream: false });
  // Models that embed do not generate.
  if (status === 400) await ask("/api/embed", { model, input: "warm-up" });
}

async function lossInside({ engine, containerId }: GpuUse): Promise<string | undefined> {
  const listed = await listGpusInside(engine, containerId).catch(forgive);
  return listed === undefined || listed.exitCode === 0 ? undefined : lossIn(listed.text);
}

async function truthOf(use: GpuUse): Promise<GpuTruth> {
  const { check, upstream, startedAt } = use;
  if (check === undefined)
    return { kind: "unknown", detail: "nothing is known of how it tells its device" };
  if (check.kind === "logs") {
    const until = new Date(Date.parse(startedAt) + startMs).toISOString();
    return judgeLines(check, await linesOf(use, { until }));
  }
  if (upstream === undefined) return { kind: "unknown", detail: "it does not speak HTTP" };
  return askService(check, { upstream, link: use.link });
}

async function askService(
  check: AskedCheck,
  { upstream, link }: Readonly<{ upstream: Upstream; link: GpuUse["link"] }>,
): Promise<GpuTruth> {
  const path = check.kind === "ollama" ? "/api/ps" : check.path;
  try {
    const { status, text } = await askUpstream({
      link: await link(),
      upstream,
      method: "GET",
      path,
      signal: AbortSignal.timeout(answerDeadlineMs),
    });
    if (status !== 200) return { kind: "unknown", detail: `${path} answered with ${status}` };
    return judgeAnswer(check, JSON.parse(text));
  } catch (error) {
    const reason = error instanceof SyntaxError ? "what it answers is no JSON" : messageOf(error);
    return { kind: "unknown", detail: `${path} could not be asked: ${reason}` };
  }
}

async function linesOf(
  { engine, containerId, startedAt }: GpuUse,
  part: Readonly<{ tail?: number; until?: string }>,
): Promise<readonly string[]> {
  const lines: string[] = [];
  try {
    for await (const { text } of engine.containers.logs(containerId, {
      since: startedAt,
      ...part,
    })) {
      lines.push(text);
      if (lines.length >= mostLines) break;
    }
  } catch (error) {
    forgive(error);
  }
  return lines;
}

/** What the engine refuses is not known; what we got wrong is not hidden. */
function forgive(error: unknown): undefined {
  if (!(error instanceof NexusError)) throw error;
  return undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\.$/, "") : String(error);
}
