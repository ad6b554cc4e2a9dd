/** One candidate's turn: the attempt, in a slot that is held until the last byte. */
import { upstreamHeaders } from "../api/headers.ts";
import type { Candidate } from "../routing/route.ts";
import type { Inquiry } from "./inquiry.ts";
import { startAttempt, type Attempt, type RelayRequest } from "./relay.ts";
import { inSlot } from "./slot.ts";

/** Waits for a slot and makes the attempt; undefined when the exchange ended without one. */
export function admit(inquiry: Inquiry, candidate: Candidate): Promise<Attempt | undefined> {
  const { backend } = candidate.monitor;
  return inSlot({ ...inquiry, backend }, () => attemptTwice(inquiry, candidate));
}

/** A kept-alive connection may close under a request: such a request reached nobody and is sent once more. */
async function attemptTwice(inquiry: Inquiry, candidate: Candidate): Promise<Attempt> {
  const first = await attemptOnce(inquiry, candidate);
  const isStale = first.kind === "failed" && first.stale && first.failure.status !== 504;
  return isStale && inquiry.payload.replayable ? attemptOnce(inquiry, candidate) : first;
}

async function attemptOnce(inquiry: Inquiry, candidate: Candidate): Promise<Attempt> {
  const { app, exchange, endpoint } = inquiry;
  const { upstream, backend } = candidate.monitor;
  if (exchange.left) return { kind: "cancelled", streaming: false };
  const attempt = startAttempt(relayRequest(inquiry, candidate), {
    backend,
    limits: app.settings.limits,
    sink: exchange.response,
    ownHeaders: () => exchange.routeHeaders(),
    failureEvent: (failure) => exchange.failureEvent(failure),
    onFirstByte: () => app.metrics.firstByte(endpoint.path, upstream.id, exchange.seconds),
    onBroken: (failure) => {
      app.metrics.brokenStream(upstream.id);
      exchange.note(failure);
    },
  });
  exchange.onLeave(attempt.cancel);
  exchange.onCut(attempt.breakOff);
  const result = await attempt.result;
  exchange.onLeave(undefined);
  exchange.onCut(undefined);
  return result;
}

function relayRequest(
  { exchange, endpoint, payload }: Inquiry,
  { monitor, model }: Candidate,
): RelayRequest {
  return {
    method: endpoint.method,
    path: monitor.upstream.api_path + endpoint.upstreamPath,
    headers: upstreamHeaders(exchange.request.headers, exchange.id),
    body: payload.bodyFor(model),
  };
}
