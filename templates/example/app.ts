/** The service's HTTP interface: which path is answered by what. Start reading here. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { completeChat } from "./chat.ts";
import { describeService, describeUi } from "./contract.ts";
import { embed } from "./embeddings.ts";
import { ApiError, readJson, sendError, sendJson } from "./http.ts";
import { findModel, listModels } from "./models.ts";
import { processText } from "./process.ts";
import type { Settings } from "./settings.ts";
import type { WarmUp } from "./warm-up.ts";

/** Answers one request; what it throws becomes an error answer. */
type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;
type Routes = Record<string, Record<string, Handler>>;

/** Builds the server; it does not listen yet, so a test can choose its port. */
export function createApp(settings: Settings, warmUp: WarmUp): Server {
  const routes = routesOf(settings, warmUp);
  return createServer((request, response) => {
    answer(routes, request, response).catch((error: unknown) => sendError(response, error));
  });
}

function routesOf(settings: Settings, warmUp: WarmUp): Routes {
  return {
    "/": { GET: (_, response) => sendJson(response, 200, welcome(settings)) },
    "/health": { GET: (_, response) => sendJson(response, 200, { status: "ok" }) },
    "/readyz": { GET: (_, response) => sendReadiness(response, warmUp) },
    "/v1/metadata": { GET: (_, response) => sendJson(response, 200, describeService(settings)) },
    "/v1/descriptor": { GET: (_, response) => sendJson(response, 200, describeUi(settings)) },
    "/v1/models": { GET: (_, response) => sendJson(response, 200, listModels()) },
    "/v1/chat/completions": {
      POST: async (request, response) => {
        await completeChat(await readJson(request), response, settings.tokenDelayMs);
      },
    },
    "/v1/embeddings": {
      POST: async (request, response) => sendJson(response, 200, embed(await readJson(request))),
    },
    "/v1/example/process": {
      POST: async (request, response) =>
        sendJson(response, 200, processText(await readJson(request))),
    },
  };
}

async function answer(
  routes: Routes,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = new URL(request.url ?? "/", "http://localhost").pathname;
  const modelId = /^\/v1\/models\/(.+)$/.exec(path)?.[1];
  const methods = modelId ? modelRoute(decodeURIComponent(modelId)) : routes[path];
  if (!methods) throw new ApiError(404, `There is no ${path} here.`, { code: "not_found" });
  const handler = methods[request.method ?? "GET"];
  if (!handler) {
    response.setHeader("Allow", Object.keys(methods).join(", "));
    throw new ApiError(405, `${path} does not take ${request.method}.`);
  }
  await handler(request, response);
}

function modelRoute(id: string): Record<string, Handler> {
  return { GET: (_, response) => sendJson(response, 200, findModel(id)) };
}

function sendReadiness(response: ServerResponse, warmUp: WarmUp): void {
  const readiness = warmUp.readiness();
  sendJson(response, readiness.ready ? 200 : 503, readiness);
}

function welcome({ name, version }: Settings): unknown {
  return { service: name, version, metadata: "/v1/metadata", readiness: "/readyz" };
}
