/** A turn at an upstream: counted in flight, and in a slot until it is over. */
import type { Exchange } from "../api/exchange.ts";
import type { Failure } from "../api/failure.ts";
import type { App } from "../app.ts";
import type { KeyRecord } from "../protocol.ts";
import type { Backend } from "../upstreams/backend.ts";

/** Who wants a slot, and where. */
export type Turn = Readonly<{
  app: App;
  exchange: Exchange;
  key: KeyRecord;
  backend: Backend;
  /** What becomes of a refusal; without it, it is the answer. */
  refuse?: (failure: Failure) => void;
}>;

/** Waits for a slot and works in it; undefined when the exchange ended without one, because it was refused or its client left. */
export function inSlot<Result>(
  turn: Turn,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  return inFlight(turn.backend, async () => {
    const { app, exchange, key, backend } = turn;
    exchange.stopwatch.leave();
    const entry = await backend.gate.enter({
      key: key.name,
      onLeave: (leave) => exchange.onLeave(leave),
      patienceMs: patienceMs(exchange),
    });
    exchange.stopwatch.back();
    if (entry.kind === "left") app.metrics.departed("queued");
    if (entry.kind === "refused") refuse(turn, entry);
    if (entry.kind !== "admitted") return undefined;
    exchange.queuedMs += entry.slot.waitedMs;
    app.metrics.admitted(backend.id, entry.slot.waitedMs / 1000);
    try {
      return await work();
    } finally {
      entry.slot.release();
    }
  });
}

/** Works without a slot, but counted: what is in flight keeps its upstream from being taken away. */
export async function inFlight<Result>(
  backend: Backend,
  work: () => Promise<Result>,
): Promise<Result> {
  const done = backend.begin();
  try {
    return await work();
  } finally {
    done();
  }
}

/** OpenAI's clients say how many seconds they wait for an answer to begin: a longer wait in line would be for nobody. */
function patienceMs({ request, seconds }: Exchange): number | undefined {
  const told = Number(request.headers["x-stainless-timeout"]);
  return told > 0 ? Math.max(0, (told - seconds) * 1000) : undefined;
}

function refuse(
  { app, exchange, backend, refuse: pass = (failure) => exchange.fail(failure) }: Turn,
  { reason, retryAfterMs }: Readonly<{ reason: string; retryAfterMs: number }>,
): void {
  app.metrics.rejected(backend.id, reason);
  const message = `The service "${backend.id}" is busy and its queue ${reason === "queue_full" ? "is full" : "moves too slowly"}.`;
  pass({ status: 429, code: reason, message, fault: "policy", retryAfterMs });
}
