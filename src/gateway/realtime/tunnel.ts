/** From a judged request to a connection through to the first upstream that takes it. */
import type { Headers } from "../api/headers.ts";
import type { Exchange } from "../api/exchange.ts";
import type { App } from "../app.ts";
import type { KeyRecord } from "../protocol.ts";
import { passOn } from "../request/answer.ts";
import { relayLimits } from "../request/patience.ts";
import { inSlot } from "../request/slot.ts";
import type { Monitor } from "../upstreams/monitor.ts";
import { startHandshake, type Handshake } from "./handshake.ts";
import { splice } from "./splice.ts";
import { readProtocols } from "./subprotocols.ts";

/** An upstream, and the target to ask it for. */
export type Destination = Readonly<{ monitor: Monitor; path: string; model?: string }>;

/** A request to switch, by a key that may. */
export type Caller = Readonly<{ app: App; exchange: Exchange; key: KeyRecord }>;

/** Asks each destination in turn; the first that switches is joined to the client until either is done. */
export async function connectFirst(
  caller: Caller,
  destinations: readonly Destination[],
): Promise<void> {
  const { app, exchange } = caller;
  const forget = watchForLeaving(exchange);
  for (const [index, destination] of destinations.entries()) {
    const { upstream, backend } = destination.monitor;
    exchange.facts.upstream = upstream.id;
    if (destination.model !== undefined) exchange.facts.model = destination.model;
    const outcome = await inSlot({ ...caller, backend }, () =>
      connect(caller, destination, forget),
    );
    if (!outcome) return;
    const next = destinations[index + 1];
    if (!next || !isWorthAnother(outcome)) return conclude(caller, upstream.id, outcome);
    app.metrics.fellBack(upstream.id, next.monitor.upstream.id);
  }
}

/** Switches both sides and stays until they are closed; anything but `switched` wrote nothing. */
async function connect(
  { app, exchange }: Caller,
  { monitor, path }: Destination,
  forget: () => void,
): Promise<Handshake> {
  if (exchange.left) return { kind: "cancelled" };
  const request = { path, headers: handshakeHeaders(exchange) };
  exchange.stopwatch.leave();
  const shaking = startHandshake(monitor.backend, request, relayLimits(app).firstByteMs);
  exchange.onLeave(shaking.cancel);
  const handshake = await shaking.result;
  exchange.stopwatch.back();
  exchange.onLeave(undefined);
  if (handshake.kind !== "switched") return handshake;
  app.metrics.firstByte(exchange.endpoint, monitor.upstream.id, exchange.seconds);
  forget();
  await join(app, exchange, handshake);
  return handshake;
}

async function join(
  app: App,
  exchange: Exchange,
  { headers, socket }: Extract<Handshake, { kind: "switched" }>,
): Promise<void> {
  const client = exchange.request.socket;
  exchange.handOver();
  client.write(switchingHead(exchange, headers), "latin1");
  const joined = splice(client, socket, app.settings.tunnel);
  exchange.onCut((failure) => {
    exchange.note(failure);
    joined.cut();
  });
  await joined.closed;
}

function switchingHead(exchange: Exchange, headers: Headers): string {
  const own = { ...exchange.routeHeaders(), "x-request-id": exchange.id };
  const fields = Object.entries({
    upgrade: "websocket",
    connection: "Upgrade",
    ...headers,
    ...own,
  });
  const lines = fields.flatMap(([name, value]) =>
    [value].flat().map((one) => `${name}: ${one}\r\n`),
  );
  return `HTTP/1.1 101 Switching Protocols\r\n${lines.join("")}\r\n`;
}

/** The client's headers and the subprotocols that it offers, less its key among them. */
function handshakeHeaders(exchange: Exchange): Headers {
  const headers = exchange.upstreamHeaders();
  const { others } = readProtocols(exchange.request.headers["sec-websocket-protocol"]);
  return others.length === 0
    ? headers
    : { ...headers, "sec-websocket-protocol": others.join(", ") };
}

/** A connection that nobody reads does not tell of its end: it is looked at without taking anything from it. */
function watchForLeaving({ request: { socket } }: Exchange): () => void {
  const look = () => void socket.read(0);
  const leave = () => socket.destroy();
  socket.on("readable", look);
  socket.once("end", leave);
  return () => {
    socket.off("readable", look);
    socket.off("end", leave);
  };
}

function isWorthAnother(handshake: Handshake): boolean {
  if (handshake.kind === "failed") return handshake.failure.fault === "upstream";
  return handshake.kind === "answer" && handshake.status >= 500;
}

function conclude({ app, exchange }: Caller, service: string, handshake: Handshake): void {
  if (handshake.kind === "failed") return exchange.fail(handshake.failure);
  if (handshake.kind === "answer") return passOn(exchange, service, handshake);
  if (handshake.kind === "cancelled") app.metrics.departed("waiting");
}
