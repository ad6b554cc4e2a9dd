/** Passes a whole answer on, or says what is wrong with it. */
import type { Exchange } from "../api/exchange.ts";
import { upstreamBroken } from "../api/failure.ts";
import type { Attempt } from "./relay.ts";
import { tellInEvents } from "./upstream-failure.ts";

/** Gives the client an upstream's answer; redirects and errors in a foreign shape become the gateway's own errors. */
export function passOn(
  exchange: Exchange,
  service: string,
  { status, headers, body }: Extract<Attempt, { kind: "answer" }>,
): void {
  if (status < 400 && status >= 300) {
    return exchange.fail(
      upstreamBroken(service, "answered with a redirect, which is not followed"),
    );
  }
  if (exchange.begun) return exchange.fail(tellInEvents(service, status, body));
  if (status >= 400 && !exchange.dialect.isError(headers, body)) {
    return exchange.fail(exchange.dialect.wrapError(service, status, body));
  }
  exchange.send(status, { ...headers, ...exchange.routeHeaders() }, body);
}
