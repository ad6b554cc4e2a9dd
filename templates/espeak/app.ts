/** The service's HTTP interface: which path is answered by what. Start reading here. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { describeService, describeUi } from "./contract.ts";
import { ApiError, readJson, sendError, sendJson } from "./http.ts";
import { findModel, listModels } from "./models.ts";
import type { Speech } from "./speech.ts";

/** Answers one request; what it throws becomes an error answer. */
type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;
type Routes = Record<string, Record<string, Handler>>;

/** Builds the server; it does not listen yet, so a test can choose its port. */
export function createApp(speech: Speech): Server {
  const routes = routesOf(speech);
  return createServer((request, response) => {
    answer(routes, request, response).catch((error: unknown) => sendError(response, error));
  });
}

function routesOf(speech: Speech): Routes {
  const { settings, voices } = speech;
  const get = (describe: () => unknown): Record<string, Handler> => ({
    GET: (_, response) => sendJson(response, 200, describe()),
  });
  return {
    "/": get(() => ({ service: settings.name, version: settings.version })),
    "/health": get(() => ({ status: "ok" })),
    "/readyz": { GET: (_, response) => sendReadiness(speech, response) },
    "/v1/metadata": get(() => describeService(settings, voices)),
    "/v1/descriptor": get(() => describeUi(settings, voices)),
    "/v1/models": get(() => listModels()),
    "/v1/audio/voices": get(() => ({ voices: voices.list() })),
    "/v1/audio/speech": {
      POST: async (request, response) => speech.answer(await readJson(request), response),
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
  const methods = modelId ? modelRoute(modelId) : routes[path];
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

function sendReadiness({ readiness }: Speech, response: ServerResponse): void {
  const report = readiness.report();
  sendJson(response, report.ready ? 200 : 503, report);
}
