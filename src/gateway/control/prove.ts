/** Proves that an upstream serves: for everything it provides a real request, as small as it can be. */
import type { App } from "../app.ts";
import type { Upstream } from "../config.ts";
import type { ControlResult } from "../protocol.ts";
import { ask } from "../upstreams/ask.ts";
import type { Backend } from "../upstreams/backend.ts";
import { isRecord, parseJson } from "../json.ts";
import { probeUpstream } from "../upstreams/probe.ts";
import { ControlFailure } from "./failure.ts";
import { capabilitiesToProve, modelsToTry, provableAmong } from "./proof-models.ts";
import { proofs, teiProof, type Provable } from "./proofs.ts";
import { tryOnce, type Verdict } from "./trial.ts";

const askTimeoutMs = 5_000;
/** OpenAI's own; software with other voices lists them, or takes this one for its first. */
const usualVoice = "alloy";

/** Asks for every capability that the models are made for; the report is of all, or of the first that failed. */
export async function prove(
  app: App,
  upstream: Upstream,
  signal: AbortSignal,
): Promise<ControlResult["prove"]> {
  const since = performance.now();
  const backend = app.backends.retain(upstream);
  try {
    mustBeProvable(upstream);
    const models = await modelsOf(backend, upstream);
    const verdicts: Verdict[] = [];
    for (const capability of capabilitiesToProve(upstream.provides, models)) {
      const verdict = await proveOne({ app, backend, upstream, signal }, capability, models);
      verdicts.push(verdict);
      if (verdict.status !== 200) break;
    }
    const verdict = summary(verdicts);
    if (verdict.status === 200) app.registry.rememberProven(upstream);
    return { ...verdict, duration_ms: Math.round(performance.now() - since) };
  } finally {
    app.backends.release(upstream);
  }
}

function mustBeProvable({ id, provides }: Upstream): void {
  if (provableAmong(provides).length > 0) return;
  const message = `No request is known that would prove the service "${id}".`;
  throw new ControlFailure("nothing_to_prove", message);
}

function summary(verdicts: readonly Verdict[]): Verdict {
  const failed = verdicts.find(({ status }) => status !== 200);
  return failed ?? { status: 200, detail: verdicts.map(({ detail }) => detail).join("; ") };
}

/** Declared models before others. */
async function modelsOf(backend: Backend, upstream: Upstream): Promise<readonly string[]> {
  const { probe } = upstream;
  const models = probe.models === "none" ? "openai" : probe.models;
  const { report } = await probeUpstream(backend, { ...upstream, probe: { ...probe, models } });
  return [...new Set([...upstream.models, ...report.present_models])];
}

type Context = Readonly<{ app: App; backend: Backend; upstream: Upstream; signal: AbortSignal }>;

/** With each likely model until one answers; the verdict is the first success or the last failure. */
async function proveOne(
  context: Context,
  capability: Provable,
  models: readonly string[],
): Promise<Verdict> {
  const { backend, upstream } = context;
  const isTei = capability === "rerank" && upstream.dialects?.rerank === "tei";
  const proof = isTei ? teiProof : proofs[capability];
  const voice = capability === "tts" ? await firstVoice(backend, upstream) : usualVoice;
  let verdict: Verdict = { status: 502, detail: "nothing was asked" };
  for (const model of modelsToTry(capability, models)) {
    verdict = await tryOnce({ ...context, proof, asked: { model, voice } });
    if (verdict.status === 200) break;
  }
  return verdict;
}

/** The first of GET <api>/audio/voices, which lists names or objects that hold one. */
async function firstVoice(backend: Backend, { api_path: api }: Upstream): Promise<string> {
  const answer = await ask(backend, `${api}/audio/voices`, { timeoutMs: askTimeoutMs });
  if (answer.kind !== "answered" || answer.status !== 200) return usualVoice;
  const document = parseJson(answer.body);
  const voices = isRecord(document) ? (document["voices"] ?? document["data"]) : undefined;
  const first: unknown = Array.isArray(voices) ? voices[0] : undefined;
  const name = isRecord(first) ? (first["id"] ?? first["voice_id"] ?? first["name"]) : first;
  return typeof name === "string" ? name : usualVoice;
}
