/** Plain HTTP requests to an upstream, made by the gateway: the CLI itself cannot reach the stack's network. */
import type { Upstream } from "../gateway/config.ts";
import type { RequestChunk } from "../gateway/protocol.ts";
import { GatewayRefusedError } from "./errors.ts";
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

/** An answer as text, whole. */
export type WholeAnswer = Readonly<{ status: number; text: string }>;

/** In characters: longer than any list of models, and short enough to be held several times. */
const longestAnswer = 8 * 1024 * 1024;

/** Makes the request and waits for the whole answer. Throws GatewayRefusedError for one that goes on and on. */
export async function askUpstream(request: Omit<UpstreamRequest, "onText">): Promise<WholeAnswer> {
  const pieces: string[] = [];
  const { id } = request.upstream;
  const enough = new AbortController();
  let length = 0;
  const onText = (text: string): void => {
    length += text.length;
    if (length <= longestAnswer) pieces.push(text);
    else enough.abort(new GatewayRefusedError("request", "answer_too_long", tooLong(id)));
  };
  const signal = AbortSignal.any([enough.signal, request.signal ?? []].flat());
  const status = await requestUpstream({ ...request, onText, signal });
  return { status, text: pieces.join("") };
}

function tooLong(service: string): string {
  return `what ${service} answers is longer than ${longestAnswer / 1024 ** 2} MiB`;
}

function isChunk(value: unknown): value is RequestChunk {
  if (typeof value !== "object" || value === null) return false;
  return "chunk" in value && typeof value.chunk === "string";
}
