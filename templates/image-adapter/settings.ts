/** What can be set from outside, by `environment:` in nexus.yaml. */

const kinds = ["comfyui", "invokeai"] as const;

export type Settings = {
  name: string;
  version: string;
  port: number;
  /** Where the service that makes the images listens. */
  upstreamUrl: string;
  upstreamKind: (typeof kinds)[number];
  /** Requests that are worked on at once. */
  maxConcurrency: number;
  /** Time a request may take before it is cancelled, in milliseconds. */
  timeoutMs: number;
  /** Model of requests that name none; the first that there is when it is missing. */
  defaultModel: string | undefined;
  /** Size of requests that name none; what suits the model when it is missing. */
  defaultSize: string | undefined;
  defaultSteps: number;
  /** Path of a graph that is used instead of the service's own. */
  workflowFile: string | undefined;
};

/** Reads the environment; throws with a sentence when something that is needed is missing. */
export function readSettings(environment: Record<string, string | undefined>): Settings {
  const read = (name: string): string | undefined => environment[name] || undefined;
  return {
    name: read("SERVICE_NAME") ?? "image-adapter",
    version: read("SERVICE_VERSION") ?? "1.0.0",
    port: Number(read("PORT") ?? 9000),
    upstreamUrl: urlIn(read("UPSTREAM_URL")),
    upstreamKind: kindIn(read("UPSTREAM_KIND")),
    maxConcurrency: positive("MAX_CONCURRENCY", read("MAX_CONCURRENCY") ?? "1"),
    timeoutMs: positive("TIMEOUT_MS", read("TIMEOUT_MS") ?? "600000"),
    defaultModel: read("DEFAULT_MODEL"),
    defaultSize: read("DEFAULT_SIZE"),
    defaultSteps: positive("DEFAULT_STEPS", read("DEFAULT_STEPS") ?? "25"),
    workflowFile: read("WORKFLOW_FILE"),
  };
}

function urlIn(text: string | undefined): string {
  if (text !== undefined && URL.canParse(text)) return text.replace(/\/+$/, "");
  throw new Error("UPSTREAM_URL must be a URL, such as http://comfyui:8188.");
}

function kindIn(text: string | undefined): Settings["upstreamKind"] {
  const kind = kinds.find((known) => known === text);
  if (kind !== undefined) return kind;
  throw new Error(`UPSTREAM_KIND must be one of ${kinds.join(", ")}.`);
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`${name} must be a whole number above 0.`);
}
