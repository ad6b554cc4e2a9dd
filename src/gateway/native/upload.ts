/** A client's request body on its way to an upstream, never held. */
import { type Readable, Transform } from "node:stream";
import type { Exchange } from "../api/exchange.ts";
import { bodyTooLarge } from "../api/failure.ts";
import type { Headers } from "../api/headers.ts";

/**
 * The body as a stream of its own, so that an upstream that will not take it leaves the client connected; null when there
 * is none. A body that turns out to be larger than the limit ends the exchange.
 */
export function openUpload(exchange: Exchange, limitBytes: number): Readable | null {
  const { request, response } = exchange;
  const { "content-length": length, "transfer-encoding": coding, expect } = request.headers;
  if (coding === undefined && (length === undefined || Number(length) === 0)) return null;
  if (expect !== undefined) response.writeContinue();
  const upload = countingTo(limitBytes, () => exchange.cut(bodyTooLarge(limitBytes)));
  // Both ends are told of a failure by others: the exchange knows that its client left, the relay that its upstream did.
  upload.on("error", () => {});
  request.on("error", () => upload.destroy());
  upload.once("close", () => request.unpipe(upload));
  return request.pipe(upload);
}

/** Passes bytes on up to a limit, and tells of the first that is beyond it. */
function countingTo(limitBytes: number, onMore: () => void): Transform {
  let bytes = 0;
  return new Transform({
    transform: (chunk: Buffer, _encoding, pass) => {
      bytes += chunk.length;
      if (bytes <= limitBytes) pass(null, chunk);
      else onMore();
    },
  });
}

/** The length that the client announced, for the upstream to hear of too. */
export function uploadHeaders({ request }: Exchange): Headers {
  const length = request.headers["content-length"];
  return length === undefined || Number(length) === 0 ? {} : { "content-length": length };
}
