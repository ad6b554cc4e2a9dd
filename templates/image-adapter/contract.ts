/** What the service says about itself (docs/SERVICE_API.md). */
import type { Settings } from "./settings.ts";
import type { Model, Upstream } from "./upstream.ts";

/** The answer of `GET /v1/metadata`, schema v1. */
export function describeService(settings: Settings, upstream: Upstream): Record<string, unknown> {
  const { name, version, maxConcurrency, upstreamKind } = settings;
  const description = `OpenAI's images API in front of ${upstream.title}.`;
  return {
    schema_version: "v1",
    service: { name, version, description },
    backend: { name: upstreamKind, vendor: "nexus" },
    endpoints: [
      endpoint("POST", "/v1/images/generations", "createImage", "Makes images from a text"),
      endpoint("GET", "/v1/models", "listModels", "Lists the models"),
    ],
    capabilities: {
      domains: ["image"],
      modalities: ["text", "image"],
      streaming: false,
      max_concurrency: maxConcurrency,
    },
    ui: { options: formFields(settings) },
    resources: { cpu: "1", memory: "512Mi", gpu: "none" },
    response_types: { default: "application/json" },
  };
}

/** The answer of `GET /v1/models`. */
export function listModels(models: Model[], { upstreamKind }: Settings): Record<string, unknown> {
  const data = models.map(({ id }) => ({
    id,
    object: "model",
    created: 0,
    owned_by: upstreamKind,
  }));
  return { object: "list", data };
}

function formFields({ defaultSteps, defaultSize }: Settings): object[] {
  const sizes = ["512x512", "768x768", "1024x1024", "1536x1024", "1024x1536"];
  return [
    field("size", "Size", {
      type: "enum",
      values: ["auto", ...sizes],
      default: defaultSize ?? "auto",
    }),
    field("n", "Images", { type: "integer", default: 1, min: 1, max: 10 }),
    field("negative_prompt", "Without", { type: "string", default: "" }),
    field("steps", "Steps", { type: "integer", default: defaultSteps, min: 1, max: 150 }),
    field("cfg_scale", "Closeness to the text", { type: "number", default: 7, min: 0, max: 30 }),
    field("seed", "Seed", { type: "integer", min: 0, max: 2 ** 32 - 1 }),
  ];
}

function field(key: string, label: string, rest: object): object {
  return { key, label, ...rest };
}

function endpoint(method: string, path: string, id: string, summary: string): object {
  return { path, method, operation_id: id, summary };
}
