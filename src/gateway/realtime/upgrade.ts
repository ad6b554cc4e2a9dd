/** Requests to switch to a WebSocket: judged like any other, then handed over whole. */
import { ServerResponse, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { findApiRoute } from "../api/api.ts";
import { authenticate } from "../api/authenticate.ts";
import { realtimeEndpoint } from "../api/endpoints.ts";
import { Exchange } from "../api/exchange.ts";
import { invalidBody, shuttingDown, type Failure } from "../api/failure.ts";
import type { App } from "../app.ts";
import { holdToLimits } from "../keys/hold-to-limits.ts";
import { findService } from "../native/pass-through.ts";
import type { KeyRecord } from "../protocol.ts";
import { route } from "../routing/route.ts";
import { modelInQuery, queryFor } from "./model-query.ts";
import { connectFirst, type Destination } from "./tunnel.ts";

/** Whether a request asks for a WebSocket; every other upgrade is answered as if it had not asked (RFC 9110, 7.8). */
export function isWebSocket({ method, headers }: IncomingMessage): boolean {
  const hasBody =
    headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) !== 0;
  return method === "GET" && headers.upgrade?.toLowerCase() === "websocket" && !hasBody;
}

/** Opens the exchange of a request to switch: until it has switched it is answered like any other, and then closed. */
export function openUpgrade(
  app: App,
  request: IncomingMessage,
  duplex: Duplex,
  head: Buffer,
): Exchange {
  const socket = duplex as Socket;
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once("finish", () => socket.destroySoon());
  socket.on("error", () => {});
  if (head.length > 0) socket.unshift(head);
  return new Exchange(app, labelOf(request.url ?? "/"), [request, response]);
}

/** Answers a request to switch; resolves when the connection it led to is closed. */
export async function serveUpgrade(app: App, exchange: Exchange): Promise<void> {
  if (app.isDraining()) return exchange.fail(shuttingDown());
  const scope = exchange.endpoint === serviceLabel ? "admin" : "inference";
  const key = authenticate(app, exchange, scope);
  if (!key) return;
  const found = findDestinations(app, exchange, key);
  if ("failure" in found) return exchange.fail(found.failure);
  if (!holdToLimits(app, exchange, key)) return;
  exchange.facts.reason = found.reason;
  await connectFirst({ app, exchange, key }, found.destinations);
}

const serviceLabel = "/services/{id}";

/** The route's label where there is something to switch to. */
function labelOf(target: string): string {
  const { label } = findApiRoute(target).route;
  return label === serviceLabel || label === realtimeEndpoint.path ? label : "_other";
}

type Found = Readonly<
  { destinations: readonly Destination[]; reason: string } | { failure: Failure }
>;

function findDestinations(app: App, { endpoint, request }: Exchange, key: KeyRecord): Found {
  const target = request.url ?? "/";
  if (endpoint === serviceLabel) {
    const found = findService(app, key, target);
    return "failure" in found ? found : { destinations: [found], reason: "service" };
  }
  return endpoint === realtimeEndpoint.path ? findRealtime(app, target, key) : nothingHere();
}

function findRealtime(app: App, target: string, key: KeyRecord): Found {
  const model = modelInQuery(target);
  if (typeof model === "object") {
    return { failure: invalidBody("The query names `model` more than once.", "model") };
  }
  const found = route(app.registry.snapshot, realtimeEndpoint, { model }, key);
  if (found.kind === "none") return { failure: found.failure };
  const destinations = found.candidates.map(({ monitor, model: name }) => {
    const path = monitor.upstream.api_path + realtimeEndpoint.upstreamPath;
    const query = queryFor(target, name);
    return { monitor, path: path + query, ...(name !== undefined && { model: name }) };
  });
  return { destinations, reason: found.reason };
}

function nothingHere(): Found {
  const message = "There is nothing at this path.";
  return { failure: { status: 404, code: "unknown_url", message, fault: "client" } };
}
