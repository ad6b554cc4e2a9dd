/** The API port: the contract without a key, everything else with one. */
import type { App } from "../app.ts";
import { authenticate } from "./authenticate.ts";
import { gatewayDescriptor, gatewayMetadata, gatewayReadiness, listServices } from "./catalogue.ts";
import { endpoints, realtimeEndpoint } from "./endpoints.ts";
import type { Exchange } from "./exchange.ts";
import { shuttingDown, type Failure } from "./failure.ts";
import { findModel, listModels } from "./models.ts";
import { isForService } from "../native/target.ts";
import { serveLogin, serveSession } from "./sessions.ts";
import { servePassThrough } from "../native/pass-through.ts";
import { serveInference } from "../request/inference.ts";
import { serveStoredResponse } from "../responses/stored.ts";
import type { KeyRecord } from "../protocol.ts";

/** Answers one exchange; `rest` is what follows the route's path, decoded. */
type Serve = (app: App, exchange: Exchange, rest: string) => void | Promise<void>;

/** What answers a path, and the label that the path has in logs and metrics. */
export type ApiRoute = Readonly<{ label: string; methods: readonly string[]; serve: Serve }>;

const get = ["GET", "HEAD"];

const open: readonly ApiRoute[] = [
  { label: "/health", methods: get, serve: (_, exchange) => exchange.json(200, { status: "ok" }) },
  { label: "/readyz", methods: get, serve: serveReadiness },
  { label: "/v1/metadata", methods: get, serve: (app, to) => to.json(200, gatewayMetadata(app)) },
  {
    label: "/v1/descriptor",
    methods: get,
    serve: (app, to) => to.json(200, gatewayDescriptor(app)),
  },
  { label: "/v1/sessions", methods: ["POST"], serve: serveLogin },
  // Where the system before Nexus took the same.
  { label: "/ui/api/auth/login", methods: ["POST"], serve: serveLogin },
  { label: "/v1/sessions/current", methods: [...get, "DELETE"], serve: serveSession },
];

const guarded: readonly ApiRoute[] = [
  {
    label: "/v1/models",
    methods: get,
    serve: withKey((app, exchange, key) => {
      exchange.json(200, exchange.dialect.modelList(listModels(app, key), exchange.query));
    }),
  },
  {
    label: "/v1/services",
    methods: get,
    serve: withKey((app, exchange, key) => {
      exchange.json(200, { object: "list", data: listServices(app, key) });
    }),
  },
  { label: realtimeEndpoint.path, methods: get, serve: withKey(askForUpgrade) },
  ...endpoints.map((endpoint) => ({
    label: endpoint.path,
    methods: [endpoint.method],
    serve: withKey((app, exchange, key) => serveInference(app, exchange, endpoint, key)),
  })),
];

const oneModel: ApiRoute = { label: "/v1/models/{id}", methods: get, serve: serveModel };
const oneResponse: ApiRoute = {
  label: "/v1/responses/{id}",
  methods: ["GET", "DELETE", "POST"],
  serve: serveStoredResponse,
};
const passThrough: ApiRoute = { label: "/services/{id}", methods: [], serve: servePassThrough };
const otherwise: ApiRoute = { label: "_other", methods: [], serve: withKey(serveUnknownPath) };

const routes: ReadonlyMap<string, ApiRoute> = new Map(
  [...open, ...guarded].map((one) => [one.label, one]),
);

/** What the paths are that go on with an id. */
const beginnings: readonly (readonly [string, ApiRoute])[] = [
  ["/v1/models/", oneModel],
  ["/v1/responses/", oneResponse],
];

type FoundRoute = Readonly<{ route: ApiRoute; rest: string }>;

/** Finds what answers a request target; `rest` is the part of the path behind a route that takes one. */
export function findApiRoute(target: string): FoundRoute {
  const query = target.indexOf("?");
  const path = query === -1 ? target : target.slice(0, query);
  const exact = routes.get(path);
  if (exact) return { route: exact, rest: "" };
  if (isForService(path)) return { route: passThrough, rest: path };
  // Clients whose base url lacks `/v1`, or that end a path with a slash, mean the same.
  const trimmed = path.endsWith("/") ? path.slice(0, -1) : path;
  const found = findSpelled(trimmed) ?? findSpelled(`/v1${trimmed}`);
  return found ?? { route: otherwise, rest: path };
}

function findSpelled(path: string): FoundRoute | undefined {
  const exact = routes.get(path);
  if (exact) return { route: exact, rest: "" };
  for (const [beginning, route] of beginnings) {
    if (path.startsWith(beginning)) return { route, rest: path.slice(beginning.length) };
  }
  return undefined;
}

/** Answers a request by its route. */
export async function serveApi(
  app: App,
  exchange: Exchange,
  { route, rest }: Readonly<{ route: ApiRoute; rest: string }>,
): Promise<void> {
  if (app.isDraining()) return exchange.fail(shuttingDown());
  const method = exchange.request.method ?? "";
  if (route.methods.length > 0 && !route.methods.includes(method)) {
    exchange.response.setHeader("allow", route.methods.join(", "));
    return exchange.fail(wrongMethod(method, route.label));
  }
  await route.serve(app, exchange, rest);
}

function withKey(
  serve: (app: App, exchange: Exchange, key: KeyRecord) => void | Promise<void>,
): Serve {
  return (app, exchange) => {
    const key = authenticate(app, exchange, "inference");
    return key ? serve(app, exchange, key) : undefined;
  };
}

function askForUpgrade(_app: App, exchange: Exchange): void {
  const message = "This is a WebSocket: send `Upgrade: websocket`.";
  exchange.response.setHeader("upgrade", "websocket");
  exchange.fail({ status: 426, code: "upgrade_required", message, fault: "client" });
}

function serveReadiness(app: App, exchange: Exchange): void {
  const { ready, body } = gatewayReadiness(app);
  exchange.json(ready ? 200 : 503, body);
}

function serveModel(app: App, exchange: Exchange, rest: string): void {
  const key = authenticate(app, exchange, "inference");
  if (!key) return;
  const name = decode(rest);
  const model = findModel(app, key, name);
  if (model) exchange.json(200, exchange.dialect.model(model));
  else exchange.fail(unknownModel(name));
}

function serveUnknownPath(_app: App, exchange: Exchange): void {
  const message = "There is nothing at this path.";
  exchange.fail({ status: 404, code: "unknown_url", message, fault: "client" });
}

/** Model ids hold slashes and colons, raw or escaped. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function unknownModel(name: string): Failure {
  const message = `The model "${name}" does not exist here, or is not ready.`;
  return { status: 404, code: "model_not_found", param: "model", message, fault: "client" };
}

function wrongMethod(method: string, path: string): Failure {
  const message = `${path} does not take ${method}.`;
  return { status: 405, code: "method_not_allowed", message, fault: "client" };
}
