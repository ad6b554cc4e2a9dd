/** What the checks of one service share: how it is asked, and what it said of itself. */
import { type Metadata, metadataSchema } from "../gateway/contract.ts";
import { type Claims, claimsOf } from "./claims.ts";
import { type ListedModel, readModels } from "./models.ts";
import type { Subject } from "./subject.ts";
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
  claims: Claims;
}>;

/** Asks what everything else depends on. */
export async function setScene(subject: Subject, visit: Visit): Promise<Scene> {
  const [metadataAnswer, modelsAnswer] = await Promise.all([
    visit({ method: "GET", path: "/v1/metadata" }),
    visit({ method: "GET", path: `${subject.apiPath}/models` }),
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
    claims: claimsOf(subject, metadata),
  };
}
