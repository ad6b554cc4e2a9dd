/** How long a request may take, and what its client hears meanwhile: the stack's word, else the process's settings. */
import type { Exchange } from "../api/exchange.ts";
import { tookTooLong } from "../api/failure.ts";
import type { App } from "../app.ts";
import type { Route } from "../routing/route.ts";
import type { RelayLimits } from "../settings.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Inquiry } from "./inquiry.ts";

/** The limits of an attempt, in milliseconds. */
export function relayLimits({ registry, settings: { limits } }: App): RelayLimits {
  const given = registry.snapshot.config?.timeouts;
  if (!given) return limits;
  return {
    ...limits,
    firstByteMs: given.first_byte_ms ?? limits.firstByteMs,
    idleMs: given.idle_ms ?? limits.idleMs,
  };
}

/** Ends an exchange that takes longer than any may; call what it returns when the exchange is over. */
export function limitTotal({ registry, settings }: App, exchange: Exchange): () => void {
  const totalMs = registry.snapshot.config?.timeouts?.total_ms ?? settings.totalMs;
  if (totalMs === 0) return () => {};
  const leftMs = Math.max(1, totalMs - exchange.seconds * 1000);
  const timer = setTimeout(() => exchange.cut(tookTooLong(totalMs)), leftMs);
  return () => clearTimeout(timer);
}

/** The heart-beat of a request that asks for events; undefined when nobody wants one. */
export function startHeartbeat(
  { app: { registry, settings }, exchange, endpoint, payload }: Omit<Inquiry, "heartbeat">,
  { candidates }: Extract<Route, { kind: "found" }>,
): Heartbeat | undefined {
  const everyMs = registry.snapshot.config?.heartbeat_ms ?? settings.heartbeatMs;
  const isOff = exchange.request.headers["x-nexus-heartbeat"] === "off";
  if (!payload.stream || !endpoint.streams || isOff || everyMs === 0) return undefined;
  // With several candidates nobody knows yet who will answer, and a header cannot be taken back.
  const headers = () => (candidates.length === 1 ? exchange.routeHeaders() : {});
  return new Heartbeat(exchange, { everyMs, headers });
}
