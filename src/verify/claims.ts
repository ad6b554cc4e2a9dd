/** What a service promises to answer: declared for it, or said by itself. Pure. */
import type { Metadata } from "../gateway/contract.ts";
import type { Subject } from "./subject.ts";

/** An endpoint of OpenAI's API, by the name of its check. */
export type KnownEndpoint = Readonly<{
  check: string;
  /** Behind the API's prefix. */
  path: string;
  capability: string;
}>;

/** Every endpoint whose answers can be judged. */
export const knownEndpoints: readonly KnownEndpoint[] = [
  { check: "chat", path: "/chat/completions", capability: "chat" },
  { check: "completions", path: "/completions", capability: "completion" },
  { check: "embeddings", path: "/embeddings", capability: "embedding" },
  { check: "rerank", path: "/rerank", capability: "rerank" },
  { check: "speech", path: "/audio/speech", capability: "tts" },
  { check: "transcriptions", path: "/audio/transcriptions", capability: "asr" },
  { check: "images", path: "/images/generations", capability: "image" },
];

/** An endpoint of the service's own, as its metadata describes it. */
export type OwnEndpoint = NonNullable<Metadata["endpoints"]>[number];

/** What is promised. */
export type Claims = Readonly<{
  known: readonly KnownEndpoint[];
  own: readonly OwnEndpoint[];
}>;

/** Kinds of work count where they are declared, or where metadata names no endpoints. */
export function claimsOf(subject: Subject, metadata: Metadata | undefined): Claims {
  const listed = metadata?.endpoints ?? [];
  const words = new Set(subject.provides);
  if (words.size === 0 && listed.length === 0)
    for (const domain of metadata?.capabilities?.domains ?? []) words.add(domain);
  const paths = new Set(listed.map(({ path }) => path));
  const known = knownEndpoints.filter(
    ({ path, capability }) => words.has(capability) || paths.has(subject.apiPath + path),
  );
  const judged = new Set([
    `${subject.apiPath}/models`,
    ...knownEndpoints.map(({ path }) => subject.apiPath + path),
  ]);
  return { known, own: listed.filter(({ path }) => !judged.has(path) && !isTemplate(path)) };
}

/** `/v1/models/{id}`: nothing says what would have to stand there. */
const isTemplate = (path: string): boolean => /[{}*:]/.test(path);
