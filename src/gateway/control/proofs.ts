/** What proves that a service can do what it provides: for each capability one request, as small as it can be, and what its answer must hold. */
import type { provable } from "../config.ts";
import { readRerank, rerankAnswer, teiRequest } from "../rerank/tei.ts";
import { lacksItems, lacksPicture, lacksSound, lacksText, type Judge } from "./proof-answers.ts";
import { formOf, toneWav } from "./recording.ts";

/** A capability that a request is known for. */
export type Provable = (typeof provable)[number];

/** What a request is made for. */
export type Asked = Readonly<{
  /** Undefined for software that has no models to choose from. */
  model: string | undefined;
  /** A voice that the service has. */
  voice: string;
}>;

/** One row: how a capability is proven. */
export type Proof = Readonly<{
  /** Path behind the upstream's `api_path`, and with `/v1` what it is called in reports. */
  path: string;
  /** Path at the upstream, where it is not behind its `api_path`. */
  ownPath?: string;
  /** Names of models that are made for this and for nothing else; absent for what any other model does. */
  specialists?: RegExp;
  body: (asked: Asked) => Body;
  judge: Judge;
}>;

/** A request's body and its media type. */
type Body = Readonly<{ type: string; bytes: Buffer }>;

const messages = [{ role: "user", content: "Say ok." }];
const ranking = { query: "ok?", documents: ["ok", "not at all"] };

/** Every row. */
export const proofs: Readonly<Record<Provable, Proof>> = {
  chat: {
    path: "/chat/completions",
    body: json({ messages, max_tokens: 1 }),
    judge: lacksItems("choices"),
  },
  completion: {
    path: "/completions",
    body: json({ prompt: "ok", max_tokens: 1 }),
    judge: lacksItems("choices"),
  },
  messages: {
    path: "/messages",
    body: json({ messages, max_tokens: 1 }),
    judge: lacksItems("content"),
  },
  embedding: {
    path: "/embeddings",
    specialists: /embed|minilm|bge-(?!reranker)|e5-|gte-/i,
    body: json({ input: "ok" }),
    judge: lacksItems("data"),
  },
  rerank: {
    path: "/rerank",
    specialists: /rerank|cross-encoder/i,
    body: json(ranking),
    judge: lacksItems("results"),
  },
  tts: {
    path: "/audio/speech",
    specialists: /tts|kokoro|piper|speech|bark|voice|orpheus/i,
    body: ({ model, voice }) =>
      json({ input: "Ready.", voice, response_format: "wav" })({ model, voice }),
    judge: lacksSound,
  },
  asr: {
    path: "/audio/transcriptions",
    specialists: /whisper|parakeet|\basr\b|transcri|moonshine|canary/i,
    body: ({ model }) => {
      const fields = { ...(model !== undefined && { model }), response_format: "json" };
      return formOf(fields, {
        name: "file",
        filename: "tone.wav",
        type: "audio/wav",
        bytes: toneWav(),
      });
    },
    judge: lacksText,
  },
  image: {
    path: "/images/generations",
    specialists: /diffusion|flux|\bsd(xl)?\b|sd-|dreamshaper|imag/i,
    body: json({ prompt: "a red dot", n: 1, size: "256x256", response_format: "b64_json" }),
    judge: lacksPicture,
  },
};

/** `rerank` of a service that speaks text-embeddings-inference's dialect. */
export const teiProof: Proof = {
  ...proofs.rerank,
  ownPath: "/rerank",
  body: () => ({ type: "application/json", bytes: Buffer.from(teiRequest(asRequest())) }),
  judge: ({ body }) => {
    const told = { id: "", model: "", tokens: undefined };
    return rerankAnswer(body, asRequest(), told) === undefined ? "without a ranking" : undefined;
  },
};

function asRequest() {
  return readRerank(Buffer.from(JSON.stringify(ranking)));
}

function json(fields: object): Proof["body"] {
  return ({ model }) => ({
    type: "application/json",
    bytes: Buffer.from(JSON.stringify({ ...(model !== undefined && { model }), ...fields })),
  });
}
