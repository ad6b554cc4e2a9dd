/** From one candidate to the next, while the client has not been given a byte. */
import { internalFailure } from "../api/failure.ts";
import type { Candidate } from "../routing/route.ts";
import { passOn } from "./answer.ts";
import { admit, type Turn } from "./attempt.ts";
import type { Inquiry } from "./inquiry.ts";

/** Tries candidates in their order while that can help and the next one's budget allows; the last one's failure is the answer. */
export async function tryEach(inquiry: Inquiry, candidates: readonly Candidate[]): Promise<void> {
  const { app, exchange } = inquiry;
  const left = [...candidates];
  for (let candidate = left.shift(); candidate;) {
    const { monitor } = candidate;
    const turn = await takeTurn(inquiry, candidate);
    if (!turn) return;
    const next = isWorthAnother(inquiry, turn) ? nextAllowed(inquiry, left) : undefined;
    if (!next) return conclude(inquiry, monitor.upstream.id, turn);
    app.metrics.fellBack(monitor.backend.id, next.monitor.backend.id);
    exchange.facts.reason = `${exchange.facts.reason ?? ""}; ${tell(monitor.upstream.id, turn)}`;
    candidate = next;
  }
}

async function takeTurn(inquiry: Inquiry, candidate: Candidate): Promise<Turn | undefined> {
  const { retries } = candidate.monitor.backend;
  const attempts = count(inquiry, candidate);
  if (attempts === 1) retries.first();
  const turn = await admit(inquiry, candidate);
  if (turn?.kind === "failed" || turn?.kind === "broken") void candidate.monitor.look();
  if (turn && attempts > 1 && hasFailed(turn)) retries.spend();
  return turn;
}

/** Notes who is asked, and returns how often somebody was. */
function count({ exchange: { facts } }: Inquiry, { monitor, model }: Candidate): number {
  const attempts = (facts.attempts ?? 0) + 1;
  facts.upstream = monitor.upstream.id;
  facts.attempts = attempts;
  if (model !== undefined) facts.model = model;
  return attempts;
}

/** The next candidate that may be burdened with another attempt; those before it are passed over. */
function nextAllowed({ app }: Inquiry, left: Candidate[]): Candidate | undefined {
  for (let next = left.shift(); next; next = left.shift()) {
    const { backend } = next.monitor;
    if (backend.retries.allows) return next;
    app.metrics.retryDenied(backend.id);
  }
  return undefined;
}

/** A place in line is the client's to give up: what moves it is a failed attempt, or that there is no place in the line. */
function isWorthAnother({ payload }: Inquiry, turn: Turn): boolean {
  if (turn.kind === "refused") return turn.failure.code === "queue_full";
  return payload.replayable && hasFailed(turn);
}

/** Whether another upstream might do better: it is not the request that is wrong. */
function hasFailed(turn: Turn): boolean {
  if (turn.kind === "failed") return turn.failure.fault === "upstream";
  return turn.kind === "answer" && (turn.status >= 500 || turn.status === 429);
}

function tell(service: string, turn: Turn): string {
  if (turn.kind === "answer") return `${service} answered ${turn.status}`;
  return turn.kind === "refused" ? `${service} is full` : `${service} failed`;
}

/** Gives the client what the last attempt came to. */
function conclude({ app, exchange, endpoint }: Inquiry, service: string, turn: Turn): void {
  switch (turn.kind) {
    case "answer":
      app.metrics.firstByte(endpoint.path, service, exchange.seconds);
      return passOn(exchange, service, turn);
    case "refused":
    case "failed":
      return exchange.fail(turn.failure);
    case "cancelled":
      return app.metrics.departed(turn.streaming ? "streaming" : "waiting");
    case "broken":
    case "streamed":
      return undefined;
    default:
      return exchange.fail(internalFailure());
  }
}
