/** The service's HTTP interface: which path is answered by what. Start reading here. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { describeService, listModels } from "./contract.ts";
import { ApiError, sendError, sendJson } from "./http.ts";
import { Images } from "./images.ts";
import { type Readiness, readinessOf } from "./readiness.ts";
import type { Settings } from "./settings.ts";
import { connectUpstream } from "./upstream.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;
type Routes = Record<string, Record<string, Handler>>;

/** The server, which does not listen yet, and how to tell that it is about to end. */
export type App = { server: Server; drain: () => void };

/** How long the list of models may take, in milliseconds. */
const listMs = 10_000;

/** Builds the service. Throws when the graph that the settings name cannot be read. */
export function createApp(settings: Settings): App {
  const upstream = connectUpstream(settings);
  const images = new Images(upstream, settings);
  let stopping = false;
  let told = "";
  const readiness: Handler = async (_, response) => {
    const state: Readiness = stopping
      ? { ready: false, status: "stopping", checks: {} }
      : await readinessOf(upstream, settings);
    // Logs are what people look at when a service does not become ready: each change is one line.
    const news = state.ready ? "ready" : `not ready: ${state.stage ?? state.status}`;
    if (news !== told) process.stdout.write(`${news}\n`);
    told = news;
    sendJson(response, state.ready ? 200 : 503, state);
  };
  const models: Handler = async (_, response) => {
    const found = await upstream.models(AbortSignal.timeout(listMs));
    sendJson(response, 200, listModels(found, settings));
  };
  const routes: Routes = {
    "/health": { GET: (_, response) => sendJson(response, 200, { status: "ok" }) },
    "/readyz": { GET: readiness },
    "/v1/metadata": {
      GET: (_, response) => sendJson(response, 200, describeService(settings, upstream)),
    },
    "/v1/models": { GET: models },
    "/v1/images/generations": { POST: (request, response) => images.create(request, response) },
  };
  const server = createServer((request, response) => {
    answer(routes, request, response).catch((error: unknown) => {
      if (!response.destroyed) sendError(response, error);
    });
  });
  return { server, drain: () => void (stopping = true) };
}

async function answer(
  routes: Routes,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = new URL(request.url ?? "/", "http://localhost").pathname;
  const methods = routes[path];
  if (!methods) throw new ApiError(404, `There is no ${path} here.`, { code: "not_found" });
  const handler = methods[request.method ?? "GET"];
  if (!handler) {
    response.setHeader("Allow", Object.keys(methods).join(", "));
    throw new ApiError(405, `${path} does not take ${request.method}.`);
  }
  await handler(request, response);
}
