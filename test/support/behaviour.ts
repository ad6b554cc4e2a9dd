/** What a scriptable upstream is told to do, and the commonest ways to do it. */
import type { IncomingMessage, ServerResponse } from "node:http";

/** A request as the upstream got it. */
export type ReceivedRequest = Readonly<{
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
  body: string;
  /** The body byte for byte. */
  bytes: Buffer;
}>;

/** Answers one request; `aborted` is kept when the caller hangs up before the answer is complete. */
export type Behaviour = (
  request: ReceivedRequest,
  response: ServerResponse,
  aborted: Promise<void>,
) => void | Promise<void>;

/** Answers with JSON. */
export function reply(response: ServerResponse, status: number, body: string): void {
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  response.writeHead(status, headers).end(body);
}

/** Begins an event stream. */
export function beginEvents(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  response.flushHeaders();
}
