/** An Ollama that is not what it says: it has no model, or another one than was fetched, or never gets ready. */
import { liesAbout } from "../lie.ts";
import { modelList } from "../openai/chat.ts";
import { type Routes, sendJson, type Visit } from "../serve.ts";

/** The routes as they are, or as `STAND_IN_LIE` has them. */
export function lyingWhereAsked(routes: Routes): Routes {
  if (liesAbout("never-ready")) return answering(Object.keys(routes), 503, "starting");
  if (liesAbout("ready-without-model")) return { ...routes, ...withModels([]) };
  return liesAbout("wrong-model") ? { ...routes, ...withModels(["another:latest"]) } : routes;
}

/** Whatever is asked with a model fails; only these are listed. */
function withModels(names: readonly string[]): Routes {
  const computing = ["/api/generate", "/api/chat", "/api/embed", "/v1/chat/completions"];
  const others = ["/v1/completions", "/v1/embeddings"];
  const models = names.map((name) => ({ name, model: name, size: 1, digest: "0" }));
  return {
    ...answering(
      [...computing, ...others].map((path) => `POST ${path}`),
      404,
      "model not found",
    ),
    "GET /api/tags": ({ response }) => sendJson(response, 200, { models }),
    "GET /v1/models": ({ response }) => sendJson(response, 200, modelList(names, "library")),
  };
}

function answering(keys: readonly string[], status: number, error: string): Routes {
  const answer = ({ response }: Visit): void => sendJson(response, status, { error });
  return Object.fromEntries(keys.map((key) => [key, answer]));
}
