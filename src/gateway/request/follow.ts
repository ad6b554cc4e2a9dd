/** Follows an attempt to its end: whoever leaves ends it, and how it went is timed and counted. */
import type { Exchange } from "../api/exchange.ts";
import type { App } from "../app.ts";
import type { Outcome } from "../metrics/gateway-metrics.ts";
import type { Attempt, RunningAttempt } from "./relay.ts";

/** Whose attempt it is, and at which service. */
type Attempted = Readonly<{ app: App; exchange: Exchange; service: string }>;

/** Makes an attempt that ends when the client leaves or the gateway has to cut it. */
export async function follow(attempted: Attempted, start: () => RunningAttempt): Promise<Attempt> {
  const { exchange } = attempted;
  exchange.stopwatch.leave();
  const attempt = start();
  exchange.onLeave(attempt.cancel);
  exchange.onCut(attempt.breakOff);
  const result = await attempt.result;
  exchange.onLeave(undefined);
  exchange.onCut(undefined);
  exchange.stopwatch.back();
  if (result.kind === "streamed" || result.kind === "broken") exchange.watchReader();
  count(attempted, result);
  return result;
}

function count({ app, exchange, service }: Attempted, attempt: Attempt): void {
  app.metrics.attempted(service, outcomeOf(attempt));
  if (attempt.kind !== "streamed" || attempt.chunks < 2) return;
  app.metrics.chunkPause(exchange.endpoint, service, attempt.flowMs / 1000 / (attempt.chunks - 1));
}

function outcomeOf(attempt: Attempt): Outcome {
  if (attempt.kind !== "answer" && attempt.kind !== "streamed") return attempt.kind;
  return attempt.status < 500 ? "ok" : "error_status";
}
