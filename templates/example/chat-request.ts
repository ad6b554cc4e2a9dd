/** Reads a chat request and checks what this service makes use of; other fields are allowed and ignored. */
import { ApiError, type Body, isObject } from "./http.ts";
import { modelFor } from "./models.ts";

export type ChatRequest = {
  model: string;
  /** The text of every message, in order. */
  prompt: string[];
  /** What the user said last. */
  lastUserText: string;
  stream: boolean;
  includeUsage: boolean;
  stop: string[];
  maxTokens: number;
};

/** Throws an ApiError that names the field at fault. */
export function readChatRequest(body: Body): ChatRequest {
  const { n = 1, stop, stream_options: streamOptions } = body;
  if (n !== 1 && n !== null) throw invalid("n", "1: this service gives one answer");
  const messages = readMessages(body["messages"]);
  const lastUser = messages.findLast(({ role }) => role === "user") ?? messages.at(-1);
  return {
    model: modelFor("chat", body["model"]),
    prompt: messages.map(({ text }) => text),
    lastUserText: lastUser?.text ?? "",
    stream: readFlag(body["stream"], "stream"),
    includeUsage:
      isObject(streamOptions) &&
      readFlag(streamOptions["include_usage"], "stream_options.include_usage"),
    stop: readStop(stop),
    maxTokens: readLimit(body),
  };
}

function readFlag(value: unknown, param: string): boolean {
  if (typeof value === "boolean") return value;
  if (value === undefined || value === null) return false;
  throw invalid(param, "true or false");
}

function readMessages(messages: unknown): { role: string; text: string }[] {
  const isList = Array.isArray(messages) && messages.length > 0;
  if (!isList) throw invalid("messages", "a list with at least one message");
  return messages.map((message, index) => readMessage(message, `messages[${index}]`));
}

function readMessage(message: unknown, param: string): { role: string; text: string } {
  if (!isObject(message) || typeof message["role"] !== "string") {
    throw invalid(param, "a message with a role");
  }
  return { role: message["role"], text: readContent(message["content"], `${param}.content`) };
}

/** Content is a string, or a list of parts as multimodal clients send it. */
function readContent(content: unknown, param: string): string {
  if (typeof content === "string") return content;
  if (content === null || content === undefined) return "";
  if (!Array.isArray(content)) throw invalid(param, "a string or a list of parts");
  return content.map((part, index) => readPart(part, `${param}[${index}]`)).join("\n");
}

function readPart(part: unknown, param: string): string {
  if (!isObject(part) || typeof part["type"] !== "string")
    throw invalid(param, "a part with a type");
  if (part["type"] !== "text") return `[${part["type"]}]`;
  if (typeof part["text"] !== "string") throw invalid(`${param}.text`, "a string");
  return part["text"];
}

function readStop(stop: unknown): string[] {
  const list: unknown[] = Array.isArray(stop) ? stop : [stop ?? []].flat();
  const texts = list.filter((text) => typeof text === "string" && text !== "");
  if (texts.length === list.length && list.length <= 4) return texts.map(String);
  throw invalid("stop", "a string or a list of up to 4 strings");
}

function readLimit(body: Body): number {
  const param = body["max_completion_tokens"] == null ? "max_tokens" : "max_completion_tokens";
  const limit = body[param] ?? Infinity;
  const isValid = limit === Infinity || (Number.isInteger(limit) && Number(limit) > 0);
  if (isValid) return Number(limit);
  throw invalid(param, "a whole number above 0");
}

function invalid(param: string, expected: string): ApiError {
  return new ApiError(400, `\`${param}\` must be ${expected}.`, { param, code: "invalid_value" });
}
