/** From one candidate to the next, while the client has not been given a byte. */
import { internalFailure } from "../api/failure.ts";
import type { Candidate } from "../routing/route.ts";
import { passOn } from "./answer.ts";
import { admit } from "./attempt.ts";
import type { Inquiry } from "./inquiry.ts";
import type { Attempt } from "./relay.ts";

/** Tries each candidate in turn; the last one's failure is the answer. */
export async function tryEach(inquiry: Inquiry, candidates: readonly Candidate[]): Promise<void> {
  const { app, exchange } = inquiry;
  for (const [index, candidate] of candidates.entries()) {
    const next = candidates[index + 1];
    const { upstream } = candidate.monitor;
    exchange.facts.upstream = upstream.id;
    if (candidate.model !== undefined) exchange.facts.model = candidate.model;
    // A place in line is the client's to give up: only a failed attempt moves it to another upstream.
    const attempt = await admit(inquiry, candidate);
    if (!attempt) return;
    if (attempt.kind === "failed") void candidate.monitor.look();
    if (!next || !isWorthAnother(inquiry, attempt)) {
      return conclude(inquiry, upstream.id, attempt);
    }
    app.metrics.fellBack(upstream.id, next.monitor.upstream.id);
  }
}

function isWorthAnother({ payload }: Inquiry, attempt: Attempt): boolean {
  if (!payload.replayable) return false;
  if (attempt.kind === "failed") return attempt.failure.fault === "upstream";
  return attempt.kind === "answer" && attempt.status >= 500;
}

/** Gives the client what the last attempt came to. */
function conclude({ app, exchange, endpoint }: Inquiry, service: string, attempt: Attempt): void {
  switch (attempt.kind) {
    case "answer":
      app.metrics.firstByte(endpoint.path, service, exchange.seconds);
      return passOn(exchange, service, attempt);
    case "failed":
      return exchange.fail(attempt.failure);
    case "cancelled":
      return app.metrics.departed(attempt.streaming ? "streaming" : "waiting");
    case "broken":
    case "streamed":
      return undefined;
    default:
      return exchange.fail(internalFailure());
  }
}
