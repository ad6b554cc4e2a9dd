/** What the checks of one service share: how it is asked, and what it said of itself. */
import { type Metadata, metadataSchema } from "../gateway/contract.ts";
import { type Claims, claimsOf } from "./claims.ts";
import { type ListedModel, readModels } from "./models.ts";
import type { Subject } from "./subject.ts";
import { isRecord } from "../stack/record.ts";
import { type Answer, jsonIn, type Silence, type Visit } from "./visit.ts";

/** A service under verification. */
export type Scene = Readonly<{
  subject: Subject;
  visit: Visit;
  /** Whether it is held to the whole contract: it is meant to have it, or has metadata. */
  native: boolean;
  metadataAnswer: Answer | Silence;
  metadata: Metadata | undefined;
  modelsAnswer: Answer | Silence;
  models: readonly ListedModel[];
  /** Voices that it lists, as several servers of speech do beside OpenAI's API. */
  voices: readonly string[];
  claims: Claims;
}>;

/** Names, or objects that hold one. */
function readVoices(seen: Answer | Silence): readonly string[] {
  if (seen.kind === "silence" || seen.status !== 200) return [];
  const document = jsonIn(seen);
  const list = isRecord(document) ? (document["voices"] ?? document["data"]) : document;
  const names = (Array.isArray(list) ? list : []).map((voice: unknown) =>
    isRecord(voice) ? (voice["id"] ?? voice["voice_id"] ?? voice["name"]) : voice,
  );
  return names.filter((name) => typeof name === "string");
}

/** Asks what everything else depends on. */
export async function setScene(subject: Subject, visit: Visit): Promise<Scene> {
  const [metadataAnswer, modelsAnswer, voices] = await Promise.all([
    visit({ method: "GET", path: "/v1/metadata" }),
    visit({ method: "GET", path: `${subject.apiPath}/models` }),
    visit({ method: "GET", path: `${subject.apiPath}/audio/voices` }),
  ]);
  const found = metadataAnswer.kind === "answer" && metadataAnswer.status === 200;
  const read = found ? metadataSchema.safeParse(jsonIn(metadataAnswer)) : undefined;
  const metadata = read?.data;
  return {
    subject,
    visit,
    native: subject.native || metadata !== undefined,
    metadataAnswer,
    metadata,
    modelsAnswer,
    models: readModels(modelsAnswer) ?? [],
    voices: readVoices(voices),
    claims: claimsOf(subject, metadata),
  };
}
