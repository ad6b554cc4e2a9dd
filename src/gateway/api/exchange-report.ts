/** What metrics, the log and a trace are told of a request that is over. */
import type { App } from "../app.ts";
import type { Cost } from "../usage/usage-tap.ts";
import type { Exchange } from "./exchange.ts";
import { type Failure, failureName } from "./failure.ts";

/** How it ended. */
export type Ending = Readonly<{
  /** 499 when the client left. */
  status: number;
  cost: Cost | undefined;
  failure: Failure | undefined;
  /** The gateway's own time before the head of the answer; undefined when no upstream was asked. */
  ownMs: number | undefined;
}>;

/** Counts an exchange that is over, books what it cost and writes its line. */
export function reportExchange(app: App, exchange: Exchange, ending: Ending): void {
  count(app, exchange, ending);
  book(app, exchange, ending);
  const { status, cost, failure } = ending;
  const isOurs = failure?.fault === "upstream" || failure?.fault === "gateway";
  app.log(isOurs ? "warn" : "info", "request", {
    request_id: exchange.id,
    endpoint: exchange.endpoint,
    status,
    ...exchange.facts,
    ms: Math.round(exchange.seconds * 10_000) / 10,
    ...(cost && { input_tokens: cost.input, output_tokens: cost.output }),
    ...(failure && { error: failureName(failure), fault: failure.fault }),
  });
}

/** What has no payer costs nothing and is in no book. */
function book(
  { allowances, ledger }: App,
  { endpoint, payer: key, facts, seconds }: Exchange,
  { status, cost, failure }: Ending,
): void {
  if (key === undefined) return;
  const { upstream: service = "", model = "" } = facts;
  const failed = status >= 400 || failure !== undefined;
  allowances.charge(key, cost);
  ledger.book({ at: Date.now(), key, service, model, endpoint, failed, seconds, cost });
}

function count(
  { metrics }: App,
  { endpoint, facts, seconds, request, payer }: Exchange,
  { status, cost, failure, ownMs }: Ending,
): void {
  const { upstream, model, stream = false } = facts;
  if (ownMs !== undefined) metrics.overhead(endpoint, ownMs);
  metrics.finish({
    endpoint,
    upstream,
    model,
    status,
    error: failure && failureName(failure),
    stream,
    key: payer,
    seconds,
    cost,
    socket: request.socket,
  });
}

/** OpenTelemetry's names where it has one (HTTP and GenAI conventions), ours for the rest; nothing that a log line would not say. */
export function spanAttributes(
  { endpoint, id, facts, request, queuedMs }: Exchange,
  status: number,
  cost: Cost | undefined,
): Readonly<Record<string, string | number>> {
  return {
    "http.request.method": request.method ?? "",
    "http.route": endpoint,
    "http.response.status_code": status,
    "nexus.request_id": id,
    "nexus.queue_ms": queuedMs,
    ...(facts.upstream !== undefined && { "nexus.upstream": facts.upstream }),
    ...(facts.model !== undefined && { "gen_ai.request.model": facts.model }),
    ...(cost && {
      "gen_ai.usage.input_tokens": cost.input,
      "gen_ai.usage.output_tokens": cost.output,
    }),
  };
}
