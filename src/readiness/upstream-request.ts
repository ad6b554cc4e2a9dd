/** Plain HTTP requests to an upstream, made by the gateway: the CLI itself cannot reach the stack's network. */
import type { Upstream } from "../gateway/config.ts";
import type { RequestChunk } from "../gateway/protocol.ts";
import type { GatewayLink } from "./gateway-link.ts";

/** One request; `path` counts from the upstream's root, `body` is sent as JSON. */
export type UpstreamRequest = Readonly<{
  link: GatewayLink;
  upstream: Upstream;
  method: "GET" | "POST" | "PUT" | "DELETE";
  path: string;
  body?: unknown;
  /** Told each piece of the answer's body as it arrives. */
  onText: (text: string) => void;
  signal?: AbortSignal;
}>;

/** Makes the request and resolves with its status once the whole body has been told. */
export async function requestUpstream(request: UpstreamRequest): Promise<number> {
  const { link, upstream, method, path, body, onText, signal } = request;
  const onProgress = (progress: unknown): void => {
    if (isChunk(progress)) onText(progress.chunk);
  };
  const asked = {
    op: "request",
    upstream,
    method,
    path,
    ...(body === undefined ? {} : { body }),
  } as const;
  const { status } = await link.call(asked, { onProgress, ...(signal ? { signal } : {}) });
  return status;
}

function isChunk(value: unknown): value is RequestChunk {
  if (typeof value !== "object" || value === null) return false;
  return "chunk" in value && typeof value.chunk === "string";
}
