/** The dialect of text-embeddings-inference: `/v1/rerank` as its `/rerank` (huggingface.github.io/text-embeddings-inference). Pure. */
import { z } from "zod";
import { parseJson } from "../json.ts";
import { InvalidBody } from "../request/invalid-body.ts";

const document = z.union([z.string(), z.looseObject({ text: z.string() })], {
  error: "must be a text, or an object with a `text`",
});

const requestSchema = z.looseObject({
  model: z.string().nullish(),
  query: z.string(),
  documents: z.array(document).min(1),
  top_n: z.int().positive().nullish(),
  return_documents: z.boolean().nullish(),
  truncate: z.boolean().nullish(),
  raw_scores: z.boolean().nullish(),
});

/** A request at `/v1/rerank`, in the shape that Jina and Cohere gave it. */
export type RerankRequest = Readonly<z.infer<typeof requestSchema>>;

/** Reads the body of a request; throws InvalidBody, with the place. */
export function readRerank(body: Buffer): RerankRequest {
  const read = requestSchema.safeParse(parseJson(body));
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const place = (issue?.path ?? []).join(".");
  throw new InvalidBody(
    place === "" ? "The body must be a JSON object." : `${place}: ${issue?.message ?? "invalid"}`,
    place === "" ? undefined : place,
  );
}

/** The body of TEI's request. Texts that are too long are cut, as other services do; the texts are not asked back. */
export function teiRequest({ query, documents, truncate, raw_scores }: RerankRequest): string {
  return JSON.stringify({
    query,
    texts: documents.map((one) => (typeof one === "string" ? one : one.text)),
    raw_scores: raw_scores ?? false,
    return_text: false,
    truncate: truncate ?? true,
  });
}

const answerSchema = z.array(z.looseObject({ index: z.int().nonnegative(), score: z.number() }));

/** What the answer tells beside its results. */
type Told = Readonly<{
  id: string;
  model: string;
  /** Tokens that were computed; undefined when nobody told. */
  tokens: number | undefined;
}>;

/** The answer as the client expects it, the best first; undefined when TEI's is none for this request. */
export function rerankAnswer(body: Buffer, asked: RerankRequest, told: Told): string | undefined {
  const read = answerSchema.safeParse(parseJson(body));
  if (!read.success || read.data.some(({ index }) => index >= asked.documents.length))
    return undefined;
  const results = read.data
    .toSorted((one, other) => other.score - one.score)
    .slice(0, asked.top_n ?? undefined)
    .map(({ index, score }) => ({
      index,
      relevance_score: score,
      ...(asked.return_documents === true && { document: shown(asked.documents[index]) }),
    }));
  const { id, model, tokens } = told;
  const usage = tokens !== undefined && { prompt_tokens: tokens, total_tokens: tokens };
  return JSON.stringify({ id, model, results, ...(usage && { usage }) });
}

function shown(one: RerankRequest["documents"][number] | undefined): object {
  return typeof one === "object" ? one : { text: one ?? "" };
}
