/** Proves that an upstream serves: a real request, as small as it can be, on the way that a client's request takes. */
import type { App } from "../app.ts";
import type { Backend } from "../upstreams/backend.ts";
import type { Upstream } from "../config.ts";
import { ControlFailure } from "./failure.ts";
import { endpoints, type Endpoint } from "../api/endpoints.ts";
import { isRecord, parseJson } from "../json.ts";
import { probeUpstream } from "../upstreams/probe.ts";
import type { ControlResult } from "../protocol.ts";
import type { Sink } from "../request/relay-options.ts";
import { startAttempt, type Attempt } from "../request/relay.ts";

type Proof = ControlResult["prove"];

const mostModelsTried = 3;

/** The smallest request of each endpoint that can be proven, and what its answer must hold. */
const requests: Readonly<Record<string, Readonly<{ body: object; proof: string }>>> = {
  "/v1/chat/completions": {
    body: { messages: [{ role: "user", content: "Say ok." }], max_tokens: 1 },
    proof: "choices",
  },
  "/v1/completions": { body: { prompt: "ok", max_tokens: 1 }, proof: "choices" },
  "/v1/embeddings": { body: { input: "ok" }, proof: "data" },
};

/** Asks with each likely model until one answers; the report is of the first success or of the last failure. */
export async function prove(app: App, upstream: Upstream, signal: AbortSignal): Promise<Proof> {
  const backend = app.backends.retain(upstream);
  try {
    const endpoint = provableEndpoint(upstream);
    const models = await likelyModels(backend, upstream, endpoint);
    let proof: Proof | undefined;
    for (const model of models) {
      proof = await proveModel({ app, backend, upstream, endpoint, model, signal });
      if (proof.status === 200) return proof;
    }
    if (proof) return proof;
    throw new ControlFailure("nothing_to_prove", `The service "${upstream.id}" has no model.`);
  } finally {
    app.backends.release(upstream);
  }
}

function provableEndpoint({ id, provides }: Upstream): Endpoint {
  const known = endpoints.filter(({ path }) => Object.hasOwn(requests, path));
  const endpoint = known.find(({ capabilities }) => provides.includes(capabilities[0] ?? ""));
  if (endpoint) return endpoint;
  const message = `No request is known that would prove the service "${id}".`;
  throw new ControlFailure("nothing_to_prove", message);
}

/** Declared models before others; embedding models, by their names, where they belong. */
async function likelyModels(
  backend: Backend,
  upstream: Upstream,
  endpoint: Endpoint,
): Promise<readonly string[]> {
  const listing = { ...upstream, probe: { ...upstream.probe, models: presentList(upstream) } };
  const { report } = await probeUpstream(backend, listing);
  const names = [...new Set([...upstream.models, ...report.present_models])];
  const isEmbedding = (name: string) => /embed|bge-|e5-|gte-/i.test(name);
  const wantsEmbedding = endpoint.capabilities.includes("embedding");
  const rank = (name: string) => (isEmbedding(name) === wantsEmbedding ? 0 : 1);
  return names.toSorted((a, b) => rank(a) - rank(b)).slice(0, mostModelsTried);
}

function presentList({ probe }: Upstream): "openai" | "ollama" {
  return probe.models === "ollama" ? "ollama" : "openai";
}

type Trial = Readonly<{
  app: App;
  backend: Backend;
  upstream: Upstream;
  endpoint: Endpoint;
  model: string;
  signal: AbortSignal;
}>;

async function proveModel(trial: Trial): Promise<Proof> {
  const since = performance.now();
  const attempt = await attemptProof(trial);
  const { status, detail } = judge(trial, attempt);
  return { status, detail, duration_ms: Math.round(performance.now() - since) };
}

async function attemptProof({ app, backend, upstream, endpoint, model, signal }: Trial) {
  const body = Buffer.from(JSON.stringify({ model, ...requests[endpoint.path]?.body }));
  const request = {
    method: endpoint.method,
    path: upstream.api_path + endpoint.upstreamPath,
    headers: { "content-type": "application/json", "accept-encoding": "identity" },
    body,
  };
  const done = backend.begin();
  const attempt = startAttempt(request, {
    backend,
    limits: app.settings.limits,
    sink: new Discard(),
    ownHeaders: () => ({}),
    failureEvent: () => "",
    onFirstByte: () => {},
    onBroken: () => {},
  });
  signal.addEventListener("abort", attempt.cancel, { once: true });
  try {
    return await attempt.result;
  } finally {
    signal.removeEventListener("abort", attempt.cancel);
    done();
  }
}

function judge({ endpoint, model }: Trial, attempt: Attempt): Omit<Proof, "duration_ms"> {
  const asked = `POST ${endpoint.path} with the model "${model}"`;
  switch (attempt.kind) {
    case "answer":
      return judgeAnswer(asked, requests[endpoint.path]?.proof ?? "", attempt);
    case "streamed":
      return { status: attempt.status, detail: `${asked} answered ${attempt.status}` };
    case "failed":
    case "broken":
      return { status: attempt.failure.status, detail: `${asked}: ${attempt.failure.message}` };
    case "cancelled":
    default:
      throw new ControlFailure("cancelled", "The request was cancelled.");
  }
}

function judgeAnswer(
  asked: string,
  proof: string,
  { status, body }: Extract<Attempt, { kind: "answer" }>,
): Omit<Proof, "duration_ms"> {
  if (status !== 200) {
    return { status, detail: `${asked} answered ${status}: ${excerpt(body)}` };
  }
  const document = parseJson(body);
  const found = isRecord(document) ? document[proof] : undefined;
  if (Array.isArray(found) && found.length > 0) return { status, detail: `${asked} answered 200` };
  return { status: 502, detail: `${asked} answered 200 but without ${proof}: ${excerpt(body)}` };
}

function excerpt(body: Buffer): string {
  return body.toString().replaceAll(/\s+/g, " ").slice(0, 200);
}

/** An answer too long to be held is proof enough without being kept. */
class Discard implements Sink {
  readonly headersSent = false;
  writeHead(): void {}
  flushHeaders(): void {}
  write(): boolean {
    return true;
  }
  end(): void {}
  destroy(): void {}
  once(): void {}
}
