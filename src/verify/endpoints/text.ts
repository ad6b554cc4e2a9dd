/** Chat, completions, embeddings and rerank in OpenAI's shapes (https://platform.openai.com/docs/api-reference). */
import { failed, passed, type Verdict } from "../finding.ts";
import { isRecord } from "../../stack/record.ts";
import { type Answer, jsonIn } from "../visit.ts";
import { type Exam, modelled, slowMs } from "./exam.ts";

const documents = ["A cat sleeps.", "The engine starts.", "Rain falls."];

/** The questions about texts. */
export const textExams: readonly Exam[] = [
  {
    check: "chat",
    endpoint: "chat",
    timeoutMs: slowMs,
    body: (means) => ({
      ...modelled(means),
      messages: [{ role: "user", content: "Say ok." }],
      max_tokens: 8,
    }),
    judge: judgeChat,
  },
  {
    check: "completions",
    endpoint: "completions",
    timeoutMs: slowMs,
    body: (means) => ({ ...modelled(means), prompt: "ok", max_tokens: 4 }),
    judge: judgeCompletion,
  },
  {
    check: "embeddings",
    endpoint: "embeddings",
    timeoutMs: slowMs,
    body: (means) => ({ ...modelled(means), input: ["one", "two"], encoding_format: "float" }),
    judge: (answer) => judgeEmbeddings(answer, floats),
  },
  {
    check: "embeddings as base64",
    endpoint: "embeddings",
    optional: true,
    timeoutMs: slowMs,
    body: (means) => ({ ...modelled(means), input: ["one", "two"], encoding_format: "base64" }),
    judge: (answer) => judgeEmbeddings(answer, packed),
  },
  {
    check: "rerank",
    endpoint: "rerank",
    timeoutMs: slowMs,
    body: (means) => ({ ...modelled(means), query: "What sleeps?", documents }),
    judge: judgeRerank,
  },
];

/** For text-embeddings-inference, which has an interface of its own. */
export const teiRerank: Pick<Exam, "body" | "judge"> = {
  body: () => ({ query: "What sleeps?", texts: documents }),
  judge: (answer) => judgeScores(jsonIn(answer), "score"),
};

function judgeChat(answer: Answer): Verdict {
  const document = jsonIn(answer);
  if (!isRecord(document)) return failed("The answer is not a JSON object.");
  if (document["object"] !== "chat.completion")
    return failed('`object` has to be "chat.completion".');
  const choice = firstOf(document["choices"]);
  return judgeMessage(choice) ?? countsTokens(document) ?? passed(said(choice));
}

/** Undefined when the message is as it should be. */
function judgeMessage(choice: Readonly<Record<string, unknown>> = {}): Verdict | undefined {
  const { message, finish_reason: reason } = choice;
  if (!isRecord(message) || message["role"] !== "assistant")
    return failed("`choices[0].message` has to be one of the assistant.");
  if (typeof message["content"] !== "string" && !Array.isArray(message["tool_calls"]))
    return failed("`choices[0].message.content` has to be a text.");
  return typeof reason === "string"
    ? undefined
    : failed("`choices[0].finish_reason` has to be a word such as stop or length.");
}

function judgeCompletion(answer: Answer): Verdict {
  const document = jsonIn(answer);
  if (!isRecord(document)) return failed("The answer is not a JSON object.");
  if (typeof firstOf(document["choices"])?.["text"] !== "string")
    return failed("`choices[0].text` has to be a text.");
  return passed("It completes a prompt.");
}

/** Undefined when the usage is as it should be. */
function countsTokens({ usage }: Readonly<Record<string, unknown>>): Verdict | undefined {
  const counts = isRecord(usage) ? [usage["prompt_tokens"], usage["completion_tokens"]] : [];
  const areCounts = counts.length === 2 && counts.every((count) => Number.isInteger(count));
  return areCounts
    ? undefined
    : failed("`usage` has to count `prompt_tokens` and `completion_tokens`.");
}

function judgeEmbeddings(
  answer: Answer,
  read: (embedding: unknown) => readonly number[] | undefined,
): Verdict {
  const document = jsonIn(answer);
  const data = isRecord(document) ? document["data"] : undefined;
  if (!Array.isArray(data) || data.length !== 2)
    return failed("`data` has to hold one entry for each of the two texts.");
  const vectors = data.map((entry) => (isRecord(entry) ? read(entry["embedding"]) : undefined));
  const [one, other] = vectors;
  if (one === undefined || other === undefined || one.length === 0)
    return failed("`data[].embedding` is not in the format that was asked for.");
  if (one.length !== other.length) return failed("The vectors differ in their length.");
  const isFlat = [...one, ...other].every((value) => value === 0);
  if (isFlat) return failed("The vectors are all zeros.");
  return passed(`Vectors of ${one.length} numbers.`);
}

function floats(embedding: unknown): readonly number[] | undefined {
  if (!Array.isArray(embedding)) return undefined;
  return embedding.every((value) => Number.isFinite(value)) ? embedding.map(Number) : undefined;
}

/** Little-endian 32-bit floats. */
function packed(embedding: unknown): readonly number[] | undefined {
  if (typeof embedding !== "string") return undefined;
  const bytes = Buffer.from(embedding, "base64");
  if (bytes.length === 0 || bytes.length % 4 !== 0) return undefined;
  return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4));
}

function judgeRerank(answer: Answer): Verdict {
  const document = jsonIn(answer);
  const results = isRecord(document) ? (document["results"] ?? document["data"]) : undefined;
  return judgeScores(results, "relevance_score");
}

function judgeScores(results: unknown, key: string): Verdict {
  if (!Array.isArray(results) || results.length !== documents.length)
    return failed("It has to give one result for each of the three documents.");
  const rows = results.map((row) => (isRecord(row) ? row : {}));
  const scores = rows.map((row) => row[key]);
  const indexes = new Set(rows.map(({ index }) => index));
  if (!scores.every((score) => Number.isFinite(score)))
    return failed(`Every result needs a number in \`${key}\`.`);
  if (documents.some((_, index) => !indexes.has(index)))
    return failed("Every document's `index` has to occur once.");
  return passed("It scores every document.");
}

function firstOf(list: unknown): Readonly<Record<string, unknown>> | undefined {
  const first: unknown = Array.isArray(list) ? list[0] : undefined;
  return isRecord(first) ? first : undefined;
}

function said(choice: Readonly<Record<string, unknown>> = {}): string {
  const { message } = choice;
  const content = isRecord(message) ? message["content"] : undefined;
  const text = (typeof content === "string" ? content : "").replaceAll(/\s+/g, " ");
  return `It answered: ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`;
}
