/** The turns of a conversation, from Anthropic's content blocks to OpenAI's chat messages. Pure. */
import type {
  AssistantBlock,
  MessageRequest,
  ShownBlock,
  ToolResult,
  UserBlock,
} from "./request-schema.ts";

type ChatMessage = Readonly<{ role: string; content: unknown } & Record<string, unknown>>;
type TextPart = Readonly<{ type: "text"; text: string }>;
type Part = TextPart | Readonly<{ type: "image_url"; image_url: Readonly<{ url: string }> }>;

/** Texts that stood apart stay apart. */
export function joined(texts: readonly Readonly<{ text: string }>[]): string {
  return texts.map(({ text }) => text).join("\n\n");
}

/** The chat messages of all turns, in order. */
export function chatMessages(messages: MessageRequest["messages"]): ChatMessage[] {
  return messages.flatMap((message) => {
    const { role, content } = message;
    if (typeof content === "string") return [{ role, content }];
    switch (message.role) {
      case "user":
        return userTurn(message.content as readonly UserBlock[]);
      case "assistant":
        return [assistantTurn(message.content as readonly AssistantBlock[])];
      case "system":
      default:
        return [{ role, content: joined(content as readonly TextPart[]) }];
    }
  });
}

/** Results of tools come first, one message each: chat completions want them right behind the calls. */
function userTurn(blocks: readonly UserBlock[]): ChatMessage[] {
  const results = blocks.filter((block) => block.type === "tool_result");
  const parts = [
    ...results.flatMap((result) => picturesOf(result)),
    ...blocks.flatMap((block) => (block.type === "tool_result" ? [] : partsOf(block))),
  ];
  const told = results.map((result) => toolMessage(result));
  return parts.length > 0 || told.length === 0
    ? [...told, { role: "user", content: contentOf(parts) }]
    : told;
}

/** Text goes as a plain string, which every chat template takes; only pictures need parts. */
function contentOf(parts: readonly Part[]): string | readonly Part[] {
  const texts = parts.filter((part) => part.type === "text");
  return texts.length === parts.length ? joined(texts) : parts;
}

function partsOf(block: ShownBlock): Part[] {
  switch (block.type) {
    case "image":
      return [{ type: "image_url", image_url: { url: imageUrl(block.source) } }];
    case "document":
      return documentParts(block);
    case "search_result":
      return [textPart(`${block.title} (${block.source})\n${joined(block.content)}`)];
    case "text":
    default:
      return [textPart(block.text)];
  }
}

function imageUrl(source: Extract<ShownBlock, { type: "image" }>["source"]): string {
  return source.type === "url" ? source.url : `data:${source.media_type};base64,${source.data}`;
}

function documentParts({ title, context, source }: Extract<ShownBlock, { type: "document" }>) {
  const heading = [title, context].filter((line) => line).map((line) => textPart(line ?? ""));
  if (source.type === "text") return [...heading, textPart(source.data)];
  const { content } = source;
  const parts = typeof content === "string" ? [textPart(content)] : content.flatMap(partsOf);
  return [...heading, ...parts];
}

function textPart(value: string): TextPart {
  return { type: "text", text: value };
}

/** A tool message holds text only: a failure is said in it, pictures follow in the user's message. */
function toolMessage(result: ToolResult): ChatMessage {
  const texts = resultParts(result).filter((part) => part.type === "text");
  const told = joined(texts) || (picturesOf(result).length > 0 ? "(see the picture below)" : "");
  const content = result.is_error === true ? `Error: ${told}` : told;
  return { role: "tool", tool_call_id: result.tool_use_id, content };
}

function picturesOf(result: ToolResult): Part[] {
  const pictures = resultParts(result).filter((part) => part.type === "image_url");
  if (pictures.length === 0) return [];
  return [textPart(`The result of the tool call ${result.tool_use_id}:`), ...pictures];
}

function resultParts({ content }: ToolResult): Part[] {
  if (typeof content === "string") return [textPart(content)];
  return (content ?? []).flatMap(partsOf);
}

/** What a model thought stays out: chat completions have no place for it that services agree on. */
function assistantTurn(blocks: readonly AssistantBlock[]): ChatMessage {
  const texts = blocks.filter((block) => block.type === "text");
  const calls = blocks
    .filter((block) => block.type === "tool_use")
    .map(({ id, name, input }) => ({
      id,
      type: "function",
      function: { name, arguments: JSON.stringify(input ?? {}) },
    }));
  const content = joined(texts);
  if (calls.length === 0) return { role: "assistant", content };
  return { role: "assistant", content: content === "" ? null : content, tool_calls: calls };
}
