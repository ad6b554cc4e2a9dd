/** The metadata of services that say nothing of themselves: what the stack declares of them. */
import type { Upstream } from "../config.ts";
import type { Metadata } from "./metadata-schema.ts";

/** The document of a service that has none of its own: what the stack declares of it. */
export function synthesiseMetadata(
  upstream: Upstream,
  endpoints: readonly Readonly<{ path: string; method: string; operation_id: string }>[],
): Metadata {
  const { description, ui, response_types, ui_navigation } = upstream.metadata ?? {};
  return {
    schema_version: "v1",
    service: { name: upstream.id, ...(description !== undefined && { description }) },
    backend: { name: upstream.id },
    endpoints: [...endpoints],
    capabilities: { ...capabilities(upstream.provides), max_concurrency: upstream.max_concurrency },
    ...(ui && { ui }),
    response_types: { ...responseTypes(upstream.provides), ...response_types },
    ui_navigation: {
      placement: "sidebar",
      group: upstream.provides[0] ?? "other",
      ...ui_navigation,
    },
  };
}

/** Domains and modalities of a set of capabilities, as the contract spells them. */
export function capabilities(provides: readonly string[]): Readonly<{
  domains: string[];
  modalities: string[];
  streaming: boolean;
}> {
  const domains = [...new Set(provides)];
  const modalities = [...new Set(domains.flatMap((domain) => modalitiesOf[domain] ?? []))];
  const streaming = domains.some((domain) => ["chat", "completion", "messages"].includes(domain));
  return { domains, modalities, streaming };
}

const modalitiesOf: Readonly<Record<string, readonly string[]>> = {
  chat: ["text"],
  completion: ["text"],
  messages: ["text"],
  embedding: ["text"],
  rerank: ["text"],
  image: ["image"],
  ocr: ["image", "text"],
  audio: ["audio"],
  tts: ["text", "audio"],
  asr: ["audio", "text"],
  music: ["audio"],
  video: ["video"],
  realtime: ["audio", "text"],
};

const binary: Readonly<Record<string, string>> = { tts: "audio/mpeg", music: "audio/mpeg" };

/** Media types of the answers of a set of capabilities: JSON, unless all it does is make something else. */
function responseTypes(provides: readonly string[]): Readonly<Record<string, string>> {
  const [first] = provides;
  const type = (provides.length === 1 && first && binary[first]) || "application/json";
  const { streaming } = capabilities(provides);
  return streaming ? { default: type, streaming: "text/event-stream" } : { default: type };
}
