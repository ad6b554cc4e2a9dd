/** One request that is to prove something, on the way that a client's request takes, and what its answer says. */
import type { App } from "../app.ts";
import type { Upstream } from "../config.ts";
import type { Sink } from "../request/relay-options.ts";
import { startAttempt, type Attempt } from "../request/relay.ts";
import type { Backend } from "../upstreams/backend.ts";
import { ControlFailure } from "./failure.ts";
import type { Asked, Proof } from "./proofs.ts";

/** Status 200 means that the answer is what it should be. */
export type Verdict = Readonly<{ status: number; detail: string }>;

/** A request, and whom it is made to. */
export type Trial = Readonly<{
  app: App;
  backend: Backend;
  upstream: Upstream;
  signal: AbortSignal;
  proof: Proof;
  asked: Asked;
}>;

/** A large picture, in base64. */
const longestAnswer = 32 * 1024 * 1024;

/** Makes the request. Throws {@link ControlFailure} when it is cancelled. */
export async function tryOnce(trial: Trial): Promise<Verdict> {
  return judge(trial, await attempt(trial));
}

async function attempt({ app, backend, upstream, signal, proof, asked }: Trial): Promise<Attempt> {
  const { type, bytes } = proof.body(asked);
  const request = {
    method: "POST",
    path: proof.ownPath ?? upstream.api_path + proof.path,
    headers: {
      "content-type": type,
      "content-length": String(bytes.length),
      "accept-encoding": "identity",
    },
    body: bytes,
  };
  const done = backend.begin();
  const running = startAttempt(request, {
    backend,
    limits: app.settings.limits,
    sink: new Discard(),
    wholeUpTo: longestAnswer,
    ownHeaders: () => ({}),
    failureEvent: () => "",
    onFirstByte: () => {},
    onBroken: () => {},
  });
  signal.addEventListener("abort", running.cancel, { once: true });
  try {
    return await running.result;
  } finally {
    signal.removeEventListener("abort", running.cancel);
    done();
  }
}

function judge({ proof, asked: { model } }: Trial, made: Attempt): Verdict {
  const asked = `POST /v1${proof.path}${model === undefined ? "" : ` with the model "${model}"`}`;
  switch (made.kind) {
    case "answer":
      return judgeAnswer(asked, proof, made);
    case "streamed":
      return { status: 502, detail: `${asked} answered ${made.status} without an end` };
    case "failed":
    case "broken":
      return { status: made.failure.status, detail: `${asked}: ${made.failure.message}` };
    case "cancelled":
    default:
      throw new ControlFailure("cancelled", "The request was cancelled.");
  }
}

function judgeAnswer(
  asked: string,
  proof: Proof,
  answer: Extract<Attempt, { kind: "answer" }>,
): Verdict {
  const { status, body } = answer;
  if (status !== 200) return { status, detail: `${asked} answered ${status}: ${excerpt(body)}` };
  const wrong = proof.judge(answer);
  if (wrong === undefined) return { status, detail: `${asked} answered 200` };
  return { status: 502, detail: `${asked} answered 200 but ${wrong}: ${excerpt(body)}` };
}

/** The beginning of a text; of what is none, nothing that could be read. */
function excerpt(body: Buffer): string {
  const text = body.toString("utf8", 0, 600).replaceAll(/\s+/g, " ").slice(0, 200);
  return /[\p{Cc}\uFFFD]/u.test(text) ? `${body.length} bytes` : text;
}

/** Whatever is held whole goes nowhere else. */
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
