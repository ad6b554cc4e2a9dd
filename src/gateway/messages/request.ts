/** A request for a message, in the words of OpenAI's chat completions. Pure. */
import { InvalidBody } from "../request/invalid-body.ts";
import { parseJson } from "../json.ts";
import { chatMessages, joined } from "./conversation.ts";
import { deepestIssue, requestSchema, type MessageRequest } from "./request-schema.ts";

/** A request that can be asked of a service which knows only chat completions. */
export type ChatRequest = Readonly<{
  stream: boolean;
  /** Whether the client wants to see what the model thinks. */
  thinking: boolean;
  stopSequences: readonly string[];
  /** The body of the chat completion, without its model. */
  body: Readonly<Record<string, unknown>>;
}>;

/** Translates the body of POST /v1/messages; throws InvalidBody, with the place, when it holds what cannot be translated. */
export function translateRequest(body: Buffer): ChatRequest {
  const parsed = requestSchema.safeParse(parseJson(body));
  if (!parsed.success) throw invalid(deepestIssue(parsed.error.issues));
  const request = parsed.data;
  return {
    stream: request.stream === true,
    thinking: request.thinking?.type === "enabled" || request.thinking?.type === "adaptive",
    stopSequences: request.stop_sequences ?? [],
    body: withoutAbsent({
      messages: [...systemMessage(request), ...chatMessages(request.messages)],
      ...sampling(request),
      ...streaming(request),
      ...toolsOf(request),
      ...responseFormat(request),
    }),
  };
}

function invalid(issue: ReturnType<typeof deepestIssue>): InvalidBody {
  const place = (issue?.path ?? []).join(".");
  return new InvalidBody(`${place}: ${issue?.message ?? "invalid"}`, place);
}

function systemMessage({ system }: MessageRequest) {
  if (!system || system.length === 0) return [];
  return [{ role: "system", content: typeof system === "string" ? system : joined(system) }];
}

/** `top_k` is no field of OpenAI's, but the servers that people run themselves know it. */
function sampling(request: MessageRequest) {
  return {
    max_tokens: request.max_tokens,
    stop: request.stop_sequences?.length ? request.stop_sequences : undefined,
    temperature: request.temperature,
    top_p: request.top_p,
    top_k: request.top_k,
    user: request.metadata?.user_id,
  };
}

function streaming({ stream }: MessageRequest) {
  return stream === true ? { stream: true, stream_options: { include_usage: true } } : {};
}

function toolsOf({ tools, tool_choice: choice }: MessageRequest) {
  if (!tools?.length) return {};
  return {
    tools: tools.map(({ name, description, input_schema: parameters, strict }) => ({
      type: "function",
      function: withoutAbsent({ name, description, parameters, strict }),
    })),
    tool_choice: choice ? toolChoice(choice) : undefined,
    parallel_tool_calls: choice?.disable_parallel_tool_use === true ? false : undefined,
  };
}

function toolChoice(choice: NonNullable<MessageRequest["tool_choice"]>): unknown {
  switch (choice.type) {
    case "any":
      return "required";
    case "tool":
      return { type: "function", function: { name: choice.name } };
    case "auto":
    case "none":
    default:
      return choice.type;
  }
}

function responseFormat({ output_config: output }: MessageRequest) {
  if (!output?.format) return {};
  const { type, schema } = output.format;
  return { response_format: { type, json_schema: { name: "output", schema, strict: true } } };
}

/** Services refuse `null` where they would take nothing. */
function withoutAbsent(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== null),
  );
}
