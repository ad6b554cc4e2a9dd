/** What a stand-in replies: a call when tools are offered, an instance when a schema is asked for, words otherwise. */

/** A function call as OpenAI's API writes it. */
export type ToolCall = Readonly<{
  id: string;
  type: "function";
  function: Readonly<{ name: string; arguments: string }>;
}>;

/** A reply: text in the pieces in which it is streamed, or calls. */
export type Reply = Readonly<
  | { kind: "text"; pieces: readonly string[]; finish: "stop" }
  | { kind: "calls"; calls: readonly ToolCall[]; finish: "tool_calls" }
>;

type Json = Readonly<Record<string, unknown>>;

/** The reply to a chat request; `words` are what is said when nothing else is asked for. */
export function replyTo(body: Json, words: readonly string[]): Reply {
  const last = record(list(body["messages"]).at(-1));
  if (last["role"] === "tool") return text(["the tool said:", ...textOf(last["content"])]);
  const tools = list(body["tools"]).map((tool) => record(record(tool)["function"]));
  if (tools.length > 0 && body["tool_choice"] !== "none") return callOf(chosen(body, tools));
  const format = record(body["response_format"]);
  if (format["type"] === "json_schema") {
    const instance = instanceOf(record(record(format["json_schema"])["schema"]));
    return { kind: "text", pieces: [JSON.stringify(instance)], finish: "stop" };
  }
  const images = imagesIn(last["content"]);
  return text(images === 0 ? words : [...words, `and saw ${images} image(s)`]);
}

/** The smallest value that a JSON Schema of the usual kind allows. */
export function instanceOf(schema: Json): unknown {
  const [first] = [...list(schema["enum"]), ...list(schema["anyOf"]).map(record).map(instanceOf)];
  if (first !== undefined) return first;
  switch (schema["type"]) {
    case "object": {
      const properties = Object.entries(record(schema["properties"]));
      return Object.fromEntries(properties.map(([name, of]) => [name, instanceOf(record(of))]));
    }
    case "array":
      return [instanceOf(record(schema["items"]))];
    case "integer":
    case "number":
      return 7;
    case "boolean":
      return true;
    default:
      return "some text";
  }
}

function text(words: readonly string[]): Reply {
  const pieces = words.map((word, index) => (index === 0 ? word : ` ${word}`));
  return { kind: "text", pieces, finish: "stop" };
}

function chosen(body: Json, tools: readonly Json[]): Json {
  const name = record(record(body["tool_choice"])["function"])["name"];
  return tools.find((tool) => tool["name"] === name) ?? tools[0] ?? {};
}

function callOf(tool: Json): Reply {
  const input = JSON.stringify(instanceOf(record(tool["parameters"])));
  const called = { name: String(tool["name"]), arguments: input };
  return {
    kind: "calls",
    calls: [{ id: "call_1", type: "function", function: called }],
    finish: "tool_calls",
  };
}

function textOf(content: unknown): readonly string[] {
  if (typeof content === "string") return content.split(/\s+/);
  return list(content).flatMap((part) => textOf(record(part)["text"] ?? ""));
}

function imagesIn(content: unknown): number {
  return list(content).filter((part) => record(part)["type"] === "image_url").length;
}

function record(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
