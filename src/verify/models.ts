/** The models that a service lists, and which of them a request is made with. */
import { failed, passed, type Verdict } from "./finding.ts";
import type { Subject } from "./subject.ts";
import { isRecord } from "../stack/record.ts";
import { type Answer, jsonIn, type Silence, told } from "./visit.ts";

/** A model as it is listed. */
export type ListedModel = Readonly<{ id: string; capabilities?: readonly string[] }>;

/** The models of an answer of `GET /v1/models`; undefined when it is no such list. */
export function readModels(seen: Answer | Silence): readonly ListedModel[] | undefined {
  if (seen.kind === "silence" || seen.status !== 200) return undefined;
  const document = jsonIn(seen);
  const data = isRecord(document) ? document["data"] : undefined;
  if (!Array.isArray(data) || !data.every(isModel)) return undefined;
  return data;
}

function isModel(value: unknown): value is ListedModel {
  if (!isRecord(value) || typeof value["id"] !== "string") return false;
  const { capabilities } = value;
  return capabilities === undefined || Array.isArray(capabilities);
}

/** Whether the list has OpenAI's shape and holds what was declared. */
export function judgeModels(seen: Answer | Silence, { models: declared }: Subject): Verdict {
  const listed = readModels(seen);
  if (listed === undefined)
    return failed(
      `It has to be {"object": "list", "data": [{"id": …}]}; it answered ${told(seen)}`,
    );
  const document = seen.kind === "answer" ? jsonIn(seen) : undefined;
  if (isRecord(document) && document["object"] !== "list")
    return failed('`object` has to be "list".');
  const ids = listed.map(({ id }) => id);
  const missing = declared.filter((model) => !ids.some((id) => isSame(id, model)));
  if (missing.length > 0)
    return failed(`It does not list ${missing.join(", ")}, which it is to have.`);
  return passed(ids.length === 0 ? "It lists none." : `It lists ${ids.join(", ")}.`);
}

/** A name without a tag means its tag `latest` (Ollama's rule). */
function isSame(id: string, model: string): boolean {
  return id === model || id === `${model}:latest` || `${id}:latest` === model;
}

const mostModelsTried = 3;

/** Words in the names of models that do only this; all others may chat. */
const purposes: Readonly<Record<string, RegExp>> = {
  embedding: /embed|bge-(?!reranker)|e5-|gte-|minilm/i,
  rerank: /rerank/i,
  tts: /tts|kokoro|piper|speech|espeak|voice/i,
  asr: /whisper|asr|transcri|parakeet/i,
  image: /image|diffusion|sdxl|flux|dall/i,
};

/** Models to try for a kind of work, the likeliest first; declared ones before others. */
export function modelsFor(
  capability: string,
  { models: declared }: Pick<Subject, "models">,
  listed: readonly ListedModel[],
): readonly string[] {
  const known = new Map(listed.map((model) => [model.id, model.capabilities]));
  const ids = [...new Set([...declared, ...known.keys()])];
  const rank = (id: string): number => {
    const capabilities = known.get(id);
    if (capabilities !== undefined) return capabilities.includes(capability) ? 0 : 2;
    return purposeOf(id) === capability ? 0 : 1;
  };
  return ids.toSorted((one, other) => rank(one) - rank(other)).slice(0, mostModelsTried);
}

function purposeOf(id: string): string {
  const found = Object.entries(purposes)
    .toReversed()
    .find(([, pattern]) => pattern.test(id));
  return found?.[0] ?? "chat";
}
