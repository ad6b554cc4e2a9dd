/** JSON over HTTP, and errors in the shape that OpenAI clients understand. */
import type { IncomingMessage, ServerResponse } from "node:http";

type Details = { param?: string; code?: string; retryAfter?: number };

/** An answer other than 200, thrown from anywhere. */
export class ApiError extends Error {
  readonly status: number;
  readonly param: string | null;
  readonly code: string | null;
  /** Seconds after which asking again makes sense. */
  readonly retryAfter: number | undefined;

  constructor(status: number, message: string, details: Details = {}) {
    super(message);
    this.status = status;
    this.param = details.param ?? null;
    this.code = details.code ?? null;
    this.retryAfter = details.retryAfter;
  }
}

/** A JSON object from a client: nothing in it is checked yet. */
export type Body = Record<string, unknown>;

/** A prompt and some numbers; whoever waits for a turn holds no more than this. */
const bodyLimitBytes = 1024 * 1024;

/** Reads a request's body as a JSON object. */
export async function readJson(request: IncomingMessage): Promise<Body> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const buffer = Buffer.from(chunk);
    bytes += buffer.length;
    if (bytes > bodyLimitBytes) throw new ApiError(413, "The request is larger than 1 MiB.");
    chunks.push(buffer);
  }
  const body = parseJson(Buffer.concat(chunks).toString("utf8"));
  if (isObject(body)) return body;
  throw new ApiError(400, "The request's body is not a JSON object.");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** True for a JSON object. */
export function isObject(value: unknown): value is Body {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(text),
  });
  response.end(text);
}

/** Answers with an error; what is not an ApiError is a bug, told on stderr and not to the client. */
export function sendError(response: ServerResponse, thrown: unknown): void {
  const error = thrown instanceof ApiError ? thrown : new ApiError(500, "Something went wrong.");
  if (error !== thrown) process.stderr.write(`${String(thrown)}\n`);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (error.retryAfter !== undefined) response.setHeader("Retry-After", error.retryAfter);
  const type = error.status < 500 ? "invalid_request_error" : "server_error";
  const { message, param, code } = error;
  sendJson(response, error.status, { error: { message, type, param, code } });
}
