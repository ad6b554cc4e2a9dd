/** JSON and files from the upstream, and what its failures mean to a client. */
import { ApiError, isObject } from "./http.ts";

/** A refusal with the upstream's own words, for the caller to explain. */
export class Refusal extends Error {
  readonly status: number;
  readonly document: unknown;

  constructor(status: number, document: unknown) {
    super(`status ${status}`);
    this.status = status;
    this.document = document;
  }
}

/** One request; `body` is sent as JSON. */
export type UpstreamRequest = { method?: string; path: string; body?: unknown };

/** The upstream's HTTP interface. */
export class UpstreamHttp {
  readonly #url: string;
  readonly #title: string;

  constructor(url: string, title: string) {
    this.#url = url;
    this.#title = title;
  }

  /** The answer's JSON document; an empty object when there is none. Throws Refusal for any other status than 2xx. */
  async json(request: UpstreamRequest, signal: AbortSignal): Promise<Record<string, unknown>> {
    const response = await this.#send(request, signal);
    const bytes = await this.#read(readBody(response, longestDocument), signal);
    const document = parse(this.#whole(bytes).toString("utf8"));
    if (!response.ok) throw this.#refusal(response, document);
    return isObject(document) ? document : { items: document };
  }

  /** The answer's bytes. */
  async bytes(path: string, signal: AbortSignal): Promise<Buffer> {
    const response = await this.#send({ path }, signal);
    const bytes = await this.#read(readBody(response, longestImage), signal);
    if (response.ok) return this.#whole(bytes);
    throw new ApiError(502, `${this.#title} lost the image that it made.`, failed);
  }

  async #send({ method, path, body }: UpstreamRequest, signal: AbortSignal): Promise<Response> {
    const request = {
      method: method ?? (body === undefined ? "GET" : "POST"),
      signal,
      // Neither of them leads elsewhere; who does wants something fetched that this service can reach and they cannot.
      redirect: "error" as const,
      headers: { "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    return await this.#read(fetch(this.#url + path, request), signal);
  }

  /** Waits for a part of the answer; a connection that fails is no answer. */
  async #read<Part>(part: Promise<Part>, signal: AbortSignal): Promise<Part> {
    try {
      return await part;
    } catch {
      signal.throwIfAborted();
      throw new ApiError(503, `${this.#title} does not answer.`, {
        code: "upstream_not_ready",
        retryAfter: 5,
      });
    }
  }

  #whole(bytes: Buffer | undefined): Buffer {
    if (bytes !== undefined) return bytes;
    throw new ApiError(502, `${this.#title} answers with more than can be taken.`, failed);
  }

  #refusal({ status }: Response, document: unknown): Error {
    if (status !== 429 && status !== 503) return new Refusal(status, document);
    return new ApiError(429, `${this.#title} has too much to do.`, full);
  }
}

/** In bytes; a history or a list of models is a fraction of it. */
const longestDocument = 16 * 1024 * 1024;

/** In bytes: what 4096 by 4096 pixels come to when nothing in them can be compressed. */
const longestImage = 49 * 1024 * 1024;

/** The whole body; undefined when it is longer, and then no more of it is read. */
async function readBody(response: Response, longest: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > longest) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Details of an ApiError for what failed in the upstream. */
export const failed = { code: "upstream_error" };

/** Details of an ApiError for an upstream that takes nothing more now. */
export const full = { code: "upstream_full", retryAfter: 10 };

/** The upstream's words without the paths of its files. */
export function withoutPaths(text: string): string {
  return text.replace(/(?:[A-Za-z]:)?(?:[\\/][\w.@+~-]+){2,}/g, "…").trim();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
