/** A client's request body on its way to an upstream, never held. */
import { PassThrough, type Readable } from "node:stream";
import type { Exchange } from "../api/exchange.ts";
import type { Headers } from "../api/headers.ts";

/** The body as a stream of its own, so that an upstream that will not take it leaves the client connected; null when there is none. */
export function openUpload({ request, response }: Exchange): Readable | null {
  const { "content-length": length, "transfer-encoding": coding, expect } = request.headers;
  if (coding === undefined && (length === undefined || Number(length) === 0)) return null;
  if (expect !== undefined) response.writeContinue();
  const upload = new PassThrough();
  // Both ends are told of a failure by others: the exchange knows that its client left, the relay that its upstream did.
  upload.on("error", () => {});
  request.on("error", () => upload.destroy());
  upload.once("close", () => request.unpipe(upload));
  return request.pipe(upload);
}

/** The length that the client announced, for the upstream to hear of too. */
export function uploadHeaders({ request }: Exchange): Headers {
  const length = request.headers["content-length"];
  return length === undefined || Number(length) === 0 ? {} : { "content-length": length };
}
