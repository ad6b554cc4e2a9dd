/** The server of the API port, as far as it is about connections and not about what is asked on them. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { findApiRoute, serveApi } from "../api/api.ts";
import { Exchange } from "../api/exchange.ts";
import { internalFailure, type Failure } from "../api/failure.ts";
import type { App } from "../app.ts";
import { isWebSocket, openUpgrade, serveUpgrade } from "../realtime/upgrade.ts";
import { crashReason } from "../metrics/log.ts";
import type { DoorLimits } from "../settings.ts";
import { welcomePage } from "./cors.ts";
import { headFailure, isLast, unknownExpectation } from "./head.ts";
import { refuseMalformed } from "./malformed.ts";
import { plainHttp } from "./secure-door.ts";

/** Has the API's server answer what it is asked, and what is no request. */
export function answerRequests(api: Server, app: App): void {
  const closed = new WeakSet<Duplex>();
  const take = (request: IncomingMessage, response: ServerResponse) => {
    // RFC 9112, section 9.6: nothing is processed that follows the last request of a connection.
    if (closed.has(request.socket)) return;
    if (isLast(request) || isTooOpen(app, request)) {
      closed.add(request.socket);
      response.shouldKeepAlive = false;
    }
    receive(app, request, response);
  };
  api.on("request", take);
  api.maxConnections = app.settings.door.maxConnections;
  // Without this listener Node would tell a client to go on before its key was looked at.
  api.on("checkContinue", take);
  api.on("checkExpectation", (request: IncomingMessage, response: ServerResponse) => {
    new Exchange(app, "_other", [request, response]).fail(unknownExpectation());
  });
  api.on("upgrade", (request, socket, head) => {
    if (closed.has(socket)) return;
    const exchange = openUpgrade(app, request, socket, head);
    const failure = entryFailure(app, request);
    if (failure) exchange.fail(failure);
    else answer(app, exchange, serveUpgrade(app, exchange));
  });
  api.on("clientError", (error, socket) => refuseMalformed(app, error, socket));
}

/** Node's own limits against clients that never finish what they begin. */
export function serverLimits({ headMs, requestMs, idleMs }: DoorLimits) {
  return {
    headersTimeout: headMs,
    requestTimeout: requestMs,
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: Math.min(5_000, headMs, requestMs),
    maxHeaderSize: 16 * 1024,
    // Asked for by `headFailure`, whose answer says what is wrong.
    requireHostHeader: false,
    noDelay: true,
    shouldUpgradeCallback: isWebSocket,
  };
}

function receive(app: App, request: IncomingMessage, response: ServerResponse): void {
  const found = findApiRoute(request.url ?? "/");
  const exchange = new Exchange(app, found.route.label, [request, response]);
  const failure = entryFailure(app, request);
  if (failure) return exchange.fail(failure);
  if (welcomePage(exchange, app.registry.snapshot.config?.cors)) return;
  answer(app, exchange, serveApi(app, exchange, found));
}

function entryFailure(app: App, request: IncomingMessage): Failure | undefined {
  return isTooOpen(app, request) ? plainHttp() : headFailure(request);
}

/** Whether it came over a connection that has been plain since before there was a certificate. */
function isTooOpen({ certificates }: App, { socket }: IncomingMessage): boolean {
  return certificates.state.kind !== "plain" && !("encrypted" in socket);
}

function answer(app: App, exchange: Exchange, serving: Promise<void>): void {
  serving
    .catch((error: unknown) => {
      app.log("error", "request.crashed", { request_id: exchange.id, reason: crashReason(error) });
      if (exchange.response.headersSent) exchange.response.destroy();
      else exchange.fail(internalFailure());
    })
    // One request that cannot even be told of its failure takes no other with it.
    .catch(() => exchange.response.destroy());
}
