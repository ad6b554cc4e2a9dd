/** What the service says about itself (docs/SERVICE_API.md): change this when you change what it does. */
import type { Settings } from "./settings.ts";

/** The answer of `GET /v1/metadata`, schema v1. */
export function describeService({ name, version }: Settings): Record<string, unknown> {
  return {
    schema_version: "v1",
    service: { name, version, description: "Echoes chats and embeds texts; made to be changed." },
    backend: { name: "echo", vendor: "nexus" },
    endpoints: [
      endpoint("POST", "/v1/chat/completions", "createChatCompletion", "Echoes the last message"),
      endpoint("POST", "/v1/embeddings", "createEmbedding", "Embeds texts by feature hashing"),
      endpoint("GET", "/v1/models", "listModels", "Lists the models"),
      {
        ...endpoint(
          "POST",
          "/v1/example/process",
          "processText",
          "Processes a text as its form says",
        ),
        request_schema: processSchema,
      },
    ],
    capabilities: {
      domains: ["chat", "embedding", "tool"],
      modalities: ["text"],
      streaming: true,
      max_concurrency: 32,
    },
    ui: { options: formFields },
    resources: { cpu: "1", memory: "256Mi", gpu: "none" },
  };
}

/** The answer of `GET /v1/descriptor`: the metadata, and what a user interface needs beside it. */
export function describeUi(settings: Settings): Record<string, unknown> {
  return {
    ...describeService(settings),
    response_types: { default: "application/json", streaming: "text/event-stream" },
    ui_navigation: { placement: "sidebar", group: "Tools" },
  };
}

/** The form for `/v1/example/process`: each key is a field of the request. */
const formFields = [
  {
    key: "mode",
    label: "Mode",
    type: "enum",
    values: ["echo", "upper", "reverse", "count"],
    default: "echo",
    description: "What to do with the text.",
  },
  {
    key: "threshold",
    label: "Threshold",
    type: "number",
    default: 0.5,
    min: 0,
    max: 1,
    description: "Score from which a text counts as varied.",
  },
  {
    key: "repeat",
    label: "Repeat",
    type: "integer",
    default: 1,
    min: 1,
    max: 10,
    description: "How many times the result is repeated.",
  },
  {
    key: "trim",
    label: "Trim",
    type: "boolean",
    default: true,
    description: "Whether blanks around the text are removed first.",
  },
];

/** JSON Schema of the request; `nexus verify` asks as it says. */
const processSchema = {
  type: "object",
  required: ["text"],
  properties: {
    text: { type: "string" },
    mode: { type: "string", enum: ["echo", "upper", "reverse", "count"], default: "echo" },
    threshold: { type: "number", minimum: 0, maximum: 1, default: 0.5 },
    repeat: { type: "integer", minimum: 1, maximum: 10, default: 1 },
    trim: { type: "boolean", default: true },
  },
};

function endpoint(method: string, path: string, id: string, summary: string): object {
  return { path, method, operation_id: id, summary };
}
