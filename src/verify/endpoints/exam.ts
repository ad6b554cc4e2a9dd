/** A request to an OpenAI endpoint, as small as it can be, and how its answer is judged. */
import type { Verdict } from "../finding.ts";
import type { Answer, Question } from "../visit.ts";

/** What a request is made with. */
export type Means = Readonly<{
  /** Undefined where the service lists none. */
  model: string | undefined;
  voice: string;
}>;

/** One question about one endpoint. */
export type Exam = Readonly<{
  check: string;
  /** The `check` of the endpoint in the claims. */
  endpoint: string;
  /** Only for other people's software: what it lacks is nothing it promised. */
  optional?: true;
  timeoutMs?: number;
  /** Body of the request; a `FormData` is sent as a form. */
  body: (means: Means) => Readonly<Record<string, unknown>> | FormData;
  /** Judges an answer of 200. */
  judge: (answer: Answer) => Verdict;
}>;

/** Generating can take long where there is no GPU, and a model may have to be loaded first. */
export const slowMs = 300_000;

/** The part of a question that carries a body. */
export async function carry(
  body: ReturnType<Exam["body"]>,
): Promise<Pick<Question, "headers" | "body">> {
  if (!(body instanceof FormData))
    return { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const form = new Response(body);
  return {
    headers: { "content-type": form.headers.get("content-type") ?? "" },
    body: Buffer.from(await form.arrayBuffer()),
  };
}

/** `model` where there is one. */
export const modelled = ({ model }: Means): Readonly<{ model?: string }> =>
  model === undefined ? {} : { model };
