/** What becomes of a connection that does not carry HTTP as it is written, carries too much of it, or too slowly. */
import type { Duplex } from "node:stream";
import type { Exchange } from "../api/exchange.ts";
import { failureBody, failureHeaders, type Failure } from "../api/failure.ts";
import type { App } from "../app.ts";

/** Answers a connection whose bytes are no request, unless an answer is under way on it, and closes it. */
export function refuseMalformed(app: App, error: NodeJS.ErrnoException, socket: Duplex): void {
  const owed = owesAnAnswer(app, socket);
  // What follows a connection's last request is nobody's: the answer to that request ends the connection.
  if (owed && error.code === "HPE_CLOSED_CONNECTION") return;
  const failure = malformedFailure(error.code ?? "");
  app.metrics.malformed(failure.status);
  // The parser gave up, so nothing that comes now can be trusted to be a request.
  if (socket.writable && !owed) socket.write(plainAnswer(failure), "latin1");
  if ("destroySoon" in socket && typeof socket.destroySoon === "function") socket.destroySoon();
  else socket.destroy();
}

/** The whole HTTP/1.1 answer of a failure, for a connection that has no request to answer. */
export function plainAnswer(failure: Failure): string {
  const body = failureBody(failure);
  const headers = { ...failureHeaders(failure), "content-length": String(Buffer.byteLength(body)) };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${failure.status} ${reasons[failure.status] ?? ""}\r\n${lines.join("")}connection: close\r\n\r\n${body}`;
}

const reasons: Readonly<Record<number, string>> = {
  400: "Bad Request",
  408: "Request Timeout",
  413: "Content Too Large",
  431: "Request Header Fields Too Large",
};

/** Node's and llhttp's codes; https://nodejs.org/api/http.html#event-clienterror names those that are no 400. */
function malformedFailure(code: string): Failure {
  if (code === "HPE_HEADER_OVERFLOW") return headersTooLarge();
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return slowRequest();
  if (code === "HPE_CHUNK_EXTENSIONS_OVERFLOW") {
    const message = "The chunk extensions of the request are larger than the limit.";
    return { status: 413, code: "request_too_large", message, fault: "client" };
  }
  return malformedRequest();
}

/** Bytes that are no request. */
export function malformedRequest(): Failure {
  const message = "The request is not valid HTTP/1.1.";
  return { status: 400, code: "malformed_request", message, fault: "client" };
}

/** More header bytes, or more headers, than the gateway reads. */
export function headersTooLarge(): Failure {
  const message = "The request has more headers, or larger ones, than the gateway takes.";
  return { status: 431, code: "headers_too_large", message, fault: "client" };
}

function slowRequest(): Failure {
  const message = "The request did not arrive in time.";
  return { status: 408, code: "request_timeout", message, fault: "client" };
}

/** Whether an answer has begun, or a whole request before the malformed one waits for its own: ours would be taken for it. */
function owesAnAnswer({ exchanges }: App, socket: Duplex): boolean {
  for (const exchange of exchanges) if (isOwed(exchange, socket)) return true;
  return false;
}

function isOwed({ request, response }: Exchange, socket: Duplex): boolean {
  return request.socket === socket && (request.complete || response.headersSent);
}
