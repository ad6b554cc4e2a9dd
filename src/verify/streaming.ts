/** Streams of chat completions: framing, chunks, their end, and whether they come as they are known. */
import { meansFor } from "./endpoints/examine.ts";
import { slowMs } from "./endpoints/exam.ts";
import { failed, type Finding, notClaimed, passed, type Verdict } from "./finding.ts";
import type { Scene } from "./scene.ts";
import { isRecord } from "../stack/record.ts";
import { type Answer, askJson, type Silence, told } from "./visit.ts";

const checks = ["events", "chunks", "finish_reason", "[DONE]", "usage", "as it comes"] as const;

type StreamVerdicts = Readonly<Record<(typeof checks)[number], Verdict>>;

/** A row for each property of a stream. */
export async function examineStreaming(scene: Scene): Promise<readonly Finding[]> {
  const verdicts = await judgeAll(scene);
  return checks.map((check) => ({ group: "streaming", check, ...verdicts[check] }));
}

async function judgeAll(scene: Scene): Promise<StreamVerdicts> {
  const { claims, metadata, subject, visit } = scene;
  const chat = claims.known.find(({ check }) => check === "chat");
  if (chat === undefined) return alike(notClaimed("It does not chat."));
  if (metadata?.capabilities?.streaming === false)
    return alike(notClaimed("Its metadata says that it does not stream."));
  let seen: Answer | Silence | undefined;
  for (const { model } of meansFor(scene, "chat")) {
    const body = {
      ...(model === undefined ? {} : { model }),
      messages: [{ role: "user", content: "Count from one to ten in words, please." }],
      max_tokens: 32,
      stream: true,
      stream_options: { include_usage: true },
    };
    seen = await askJson(visit, subject.apiPath + chat.path, body, slowMs);
    if (seen.kind === "answer" && seen.status === 200) return judgeStream(seen, scene);
  }
  const because = seen === undefined ? "it lists no model" : told(seen);
  return alike(failed(`There was no stream: ${because}`));
}

function alike(verdict: Verdict): StreamVerdicts {
  return Object.fromEntries(checks.map((check) => [check, verdict])) as StreamVerdicts;
}

/** The payloads of a stream of events; comments and empty lines are none. */
function readEvents(text: string): readonly string[] | undefined {
  const lines = text.split(/\r?\n/).filter((line) => line !== "" && !line.startsWith(":"));
  const isField = (line: string) => /^(?:data|event|id|retry):/.test(line);
  if (!lines.every(isField)) return undefined;
  return lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart());
}

function judgeStream(answer: Answer, scene: Scene): StreamVerdicts {
  const type = answer.headers["content-type"] ?? "";
  const events = readEvents(answer.body.toString("utf8"));
  if (!type.startsWith("text/event-stream"))
    return alike(failed(`Content-Type has to be text/event-stream; it is ${type || "missing"}.`));
  if (events === undefined || events.length === 0)
    return alike(failed("Every event has to be a line `data: …` with an empty line behind it."));
  const documents = events.filter((event) => event !== "[DONE]").map(parse);
  const choices = documents.flatMap(choicesOf);
  return {
    events: passed(`${events.length} events.`),
    chunks: judgeChunks(documents, choices),
    finish_reason: judgeEnd(choices),
    "[DONE]":
      events.at(-1) === "[DONE]"
        ? passed("The last event is [DONE].")
        : failed("The last event has to be `data: [DONE]`."),
    usage: judgeUsage(documents, scene),
    "as it comes": judgePace(answer),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

type Row = Readonly<Record<string, unknown>>;

function choicesOf(document: unknown): readonly Row[] {
  const choices = isRecord(document) ? document["choices"] : undefined;
  return Array.isArray(choices) ? choices.filter(isRecord) : [];
}

function judgeChunks(documents: readonly unknown[], choices: readonly Row[]): Verdict {
  const isChunk = (document: unknown) =>
    isRecord(document) && document["object"] === "chat.completion.chunk";
  if (!documents.every(isChunk))
    return failed('Every event has to be JSON with `object` "chat.completion.chunk".');
  if (!choices.every(({ delta }) => isRecord(delta)))
    return failed("Every choice of a chunk needs a `delta`.");
  const text = choices
    .map(({ delta }) => (isRecord(delta) ? delta["content"] : ""))
    .filter((content) => typeof content === "string")
    .join("");
  return text === "" ? failed("The chunks hold no text.") : passed(`${documents.length} chunks.`);
}

function judgeEnd(choices: readonly Row[]): Verdict {
  const reasons = choices.map(({ finish_reason: reason }) => reason ?? null);
  const given = reasons.filter((reason) => reason !== null);
  if (given.length === 1 && reasons.at(-1) === given[0])
    return passed(`The last choice says ${JSON.stringify(given[0])}.`);
  return failed("Exactly the last choice has to say its `finish_reason`.");
}

function judgeUsage(documents: readonly unknown[], { native, subject }: Scene): Verdict {
  const last = documents.at(-1);
  const usage = isRecord(last) ? last["usage"] : undefined;
  if (isRecord(usage) && Number.isInteger(usage["completion_tokens"]))
    return choicesOf(last).length === 0
      ? passed("Asked for, it comes in a last chunk without choices.")
      : failed("The chunk with `usage` has to have empty `choices`.");
  const claims = native || subject.streamUsage === true;
  const because =
    "`stream_options.include_usage` asked for usage in the last chunk; there is none.";
  return claims ? failed(because) : notClaimed(because);
}

/** What takes shorter than this may well arrive at once. */
const noticeableMs = 500;

function judgePace({ arrivals, tookMs }: Answer): Verdict {
  const first = arrivals[0] ?? tookMs;
  const span = (arrivals.at(-1) ?? tookMs) - first;
  if (arrivals.length > 1) return passed(`In ${arrivals.length} pieces over ${span} ms.`);
  return tookMs < noticeableMs
    ? passed(`At once, within ${tookMs} ms.`)
    : failed(`Everything came in one piece after ${tookMs} ms: it is held back until its end.`);
}
