/** What is wrong with the head of a request, before anybody looks at who asks for what. */
import type { IncomingMessage } from "node:http";
import type { Failure } from "../api/failure.ts";
import { headersTooLarge, malformedRequest } from "./malformed.ts";

/** Node drops what exceeds its own, higher limit without a word; no client sends half as many. */
const mostHeaders = 128;

/** The failure of a head that is parsed but not taken; undefined when it is fine. */
export function headFailure(request: IncomingMessage): Failure | undefined {
  if (request.rawHeaders.length > mostHeaders * 2) return headersTooLarge();
  return isSpoken(request) ? undefined : malformedRequest();
}

/** Whether nothing that follows a request on its connection is a request: the parser may be out of step with the client. */
export function isLast(request: IncomingMessage): boolean {
  return request.headers.upgrade !== undefined || !isSpoken(request);
}

/** HTTP/1.0, or HTTP/1.1 with a host: RFC 9112, section 3.2. */
function isSpoken({ httpVersionMajor, httpVersionMinor, headers }: IncomingMessage): boolean {
  return httpVersionMajor === 1 && (headers.host !== undefined || httpVersionMinor === 0);
}

/** An `Expect` header that asks for something else than RFC 9110's `100-continue`. */
export function unknownExpectation(): Failure {
  const message = "The gateway meets no expectation but 100-continue.";
  return { status: 417, code: "expectation_failed", message, fault: "client" };
}
