/** A whole chat completion as a message. Pure. */
import { isRecord, parseJson } from "../json.ts";
import { BrokenAnswer, firstChoice, reasoningIn, stopOf, usageOf } from "./ending.ts";

/** What an answer needs to know of its request. */
export type Asked = Readonly<{
  /** Of the message, `msg_…`. */
  id: string;
  /** As the upstream was asked; an upstream that names another one is believed. */
  model: string;
  thinking: boolean;
  stopSequences: readonly string[];
}>;

type Block = Readonly<{ type: string } & Record<string, unknown>>;

/** The message that a chat completion is; throws BrokenAnswer when it is none. */
export function messageOf(body: Buffer, asked: Asked): unknown {
  const { document, choice, message } = completionIn(body);
  const ending = { finish: choice["finish_reason"], matched: choice["stop_reason"] };
  const calls = callsIn(message);
  const { stopSequences } = asked;
  const stop = stopOf(ending, { calls: calls.length > 0, stopSequences });
  const isCut = stop.stop_reason === "max_tokens";
  const tools = calls.flatMap((call, index) => toolUse(call, `${asked.id}_${index}`, isCut));
  return {
    id: asked.id,
    type: "message",
    role: "assistant",
    model: modelIn(document) ?? asked.model,
    content: [...thoughts(message, asked), ...words(message), ...tools],
    ...stop,
    usage: usageOf(document["usage"]),
  };
}

/** The parts of a chat completion; throws BrokenAnswer when a body is none. */
export function completionIn(body: Buffer) {
  const document = parseJson(body);
  const choice = isRecord(document) ? firstChoice(document) : undefined;
  const message = choice?.["message"];
  if (!isRecord(document) || !choice || !isRecord(message)) {
    throw new BrokenAnswer("answered something that is no chat completion");
  }
  return { document, choice, message };
}

/** The model that an upstream says it used. */
export function modelIn(document: Record<string, unknown>): string | undefined {
  const model = document["model"];
  return typeof model === "string" && model !== "" ? model : undefined;
}

/** The tool calls of a message. */
export function callsIn(message: Record<string, unknown>): readonly Record<string, unknown>[] {
  const calls = message["tool_calls"];
  return Array.isArray(calls) ? calls.filter((call) => isRecord(call)) : [];
}

function thoughts(message: Record<string, unknown>, { thinking }: Asked): Block[] {
  const told = reasoningIn(message);
  return thinking && told !== "" ? [{ type: "thinking", thinking: told, signature: "" }] : [];
}

function words(message: Record<string, unknown>): Block[] {
  const told = message["content"] ?? message["refusal"];
  return typeof told === "string" && told !== "" ? [{ type: "text", text: told }] : [];
}

/** A call whose arguments were cut off by the limit of tokens is left out: the stop reason tells of it. */
function toolUse(call: Record<string, unknown>, ownId: string, isCut: boolean): Block[] {
  const { id, function: called } = call;
  const { name, arguments: given } = isRecord(called) ? called : {};
  if (typeof name !== "string") throw new BrokenAnswer("called a tool without a name");
  const input = given === undefined || given === "" ? {} : inputIn(given);
  if (isRecord(input)) {
    return [{ type: "tool_use", id: typeof id === "string" ? id : ownId, name, input }];
  }
  if (isCut) return [];
  throw new BrokenAnswer("called a tool with arguments that are not JSON");
}

/** Arguments are JSON in a string; a few servers send the object itself. */
function inputIn(given: unknown): unknown {
  return typeof given === "string" ? parseJson(given) : given;
}
