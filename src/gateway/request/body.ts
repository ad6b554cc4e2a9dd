/** Reads a request body, never more of it than allowed. */
import type { IncomingMessage, ServerResponse } from "node:http";

/** A request whose body is read, and the room that it takes in memory. */
export type BodySource = Readonly<{
  request: IncomingMessage;
  response: ServerResponse;
  /** Takes room for bytes until the request is over; false when there is none. */
  hold: (bytes: number) => boolean;
}>;

/** A body, or why there is none. */
export type ReadBody = Readonly<
  { kind: "read"; body: Buffer } | { kind: "too-large" } | { kind: "no-room" } | { kind: "left" }
>;

/** How much of a refused body is taken off the line, so that a client still sending can read the refusal. */
const lingerBytes = 64 * 1024 * 1024;
const lingerMs = 5_000;

/** Whether the length that a client announces is more than the limit: known before a byte is read. */
export function announcesTooMuch(request: IncomingMessage, limitBytes: number): boolean {
  return Number(request.headers["content-length"] ?? 0) > limitBytes;
}

/** Collects the body; a client that waits for `100 Continue` gets it here, after every check that needs no body. */
export function readBody(source: BodySource, limitBytes: number): Promise<ReadBody> {
  const { request, response } = source;
  if (request.headers.expect !== undefined) response.writeContinue();
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > limitBytes) resolve({ kind: "too-large" });
      else if (source.hold(chunk.length)) chunks.push(chunk);
      else resolve({ kind: "no-room" });
    });
    request.once("end", () => resolve({ kind: "read", body: Buffer.concat(chunks) }));
    request.once("close", () => resolve({ kind: "left" }));
    request.on("error", () => resolve({ kind: "left" }));
  });
}

/** Swallows what is still coming of a refused request, within bounds, then hangs up. */
export function lingerOver(request: IncomingMessage): void {
  if (request.complete) return;
  let bytes = 0;
  const hangUp = () => request.socket.destroy();
  const timer = setTimeout(hangUp, lingerMs).unref();
  request.removeAllListeners("data");
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > lingerBytes) hangUp();
  });
  request.on("error", () => {});
  request.once("close", () => clearTimeout(timer));
  request.resume();
}
