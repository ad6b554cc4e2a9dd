/** What a request at /v1/messages must look like for a translation; fields that are not here are ignored (platform.claude.com/docs/en/api/messages). */
import { z } from "zod";

const text = z.object({ type: z.literal("text"), text: z.string() });

const image = z.object({
  type: z.literal("image"),
  source: z.discriminatedUnion(
    "type",
    [
      z.object({ type: z.literal("base64"), media_type: z.string(), data: z.string() }),
      z.object({ type: z.literal("url"), url: z.string() }),
    ],
    { error: "an image must be given as base64 or url: there is no store of files here" },
  ),
});

const searchResult = z.object({
  type: z.literal("search_result"),
  title: z.string(),
  source: z.string(),
  content: z.array(text),
});

const document = z.object({
  type: z.literal("document"),
  title: z.string().nullish(),
  context: z.string().nullish(),
  source: z.discriminatedUnion(
    "type",
    [
      z.object({ type: z.literal("text"), data: z.string() }),
      z.object({
        type: z.literal("content"),
        content: z.union([z.string(), z.array(z.discriminatedUnion("type", [text, image]))]),
      }),
    ],
    { error: "a document must be given as text: this model's service reads no other kind" },
  ),
});

const unknownBlock = "this kind of content block is not known to this model's service";
const shown = [text, image, document, searchResult] as const;

const toolResult = z.object({
  type: z.literal("tool_result"),
  tool_use_id: z.string(),
  is_error: z.boolean().nullish(),
  content: z
    .union([z.string(), z.array(z.discriminatedUnion("type", shown, { error: unknownBlock }))])
    .nullish(),
});

const toolUse = z.object({
  type: z.literal("tool_use"),
  id: z.string(),
  name: z.string(),
  input: z.unknown(),
});

/** What a model thought is its own: no other model is shown it. */
const thinking = z.object({ type: z.literal("thinking") });
const redactedThinking = z.object({ type: z.literal("redacted_thinking") });

const userBlock = z.discriminatedUnion("type", [...shown, toolResult], { error: unknownBlock });
const assistantBlock = z.discriminatedUnion("type", [text, toolUse, thinking, redactedThinking], {
  error: unknownBlock,
});

const message = z.discriminatedUnion("role", [
  z.object({ role: z.literal("user"), content: z.union([z.string(), z.array(userBlock)]) }),
  z.object({
    role: z.literal("assistant"),
    content: z.union([z.string(), z.array(assistantBlock)]),
  }),
  z.object({ role: z.literal("system"), content: z.union([z.string(), z.array(text)]) }),
]);

const tool = z.object({
  type: z
    .literal("custom", { error: "this tool is run by Anthropic, and by nobody here" })
    .nullish(),
  name: z.string(),
  description: z.string().nullish(),
  input_schema: z.record(z.string(), z.unknown()),
  strict: z.boolean().nullish(),
});

const toolChoice = z.discriminatedUnion("type", [
  z.object({ type: z.literal("auto"), disable_parallel_tool_use: z.boolean().nullish() }),
  z.object({ type: z.literal("any"), disable_parallel_tool_use: z.boolean().nullish() }),
  z.object({
    type: z.literal("tool"),
    name: z.string(),
    disable_parallel_tool_use: z.boolean().nullish(),
  }),
  z.object({ type: z.literal("none"), disable_parallel_tool_use: z.undefined().optional() }),
]);

const format = z.object({
  type: z.literal("json_schema"),
  schema: z.record(z.string(), z.unknown()),
});

/** A request for a message. */
export const requestSchema = z.object({
  messages: z.array(message),
  system: z.union([z.string(), z.array(text)]).nullish(),
  max_tokens: z.number().nullish(),
  stop_sequences: z.array(z.string()).nullish(),
  stream: z.boolean().nullish(),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  top_k: z.number().nullish(),
  tools: z.array(tool).nullish(),
  tool_choice: toolChoice.nullish(),
  thinking: z.object({ type: z.string() }).nullish(),
  metadata: z.object({ user_id: z.string().nullish() }).nullish(),
  output_config: z.object({ format: format.nullish() }).nullish(),
});

export type MessageRequest = Readonly<z.infer<typeof requestSchema>>;
export type UserBlock = Readonly<z.infer<typeof userBlock>>;
export type AssistantBlock = Readonly<z.infer<typeof assistantBlock>>;
export type ShownBlock = Readonly<z.infer<(typeof shown)[number]>>;
export type ToolResult = Readonly<z.infer<typeof toolResult>>;

type Issue = Readonly<{
  path: readonly PropertyKey[];
  message: string;
  errors?: readonly (readonly Issue[])[];
}>;

/** The problem that says most: the one found deepest in the branches of a union. */
export function deepestIssue(issues: readonly Issue[]): Issue | undefined {
  const candidates = issues.flatMap((issue) => {
    const inner = (issue.errors ?? []).map((branch) => deepestIssue(branch));
    const nested = inner.filter((one) => one !== undefined);
    return [issue, ...nested.map((one) => ({ ...one, path: [...issue.path, ...one.path] }))];
  });
  return candidates.toSorted((a, b) => b.path.length - a.path.length)[0];
}
