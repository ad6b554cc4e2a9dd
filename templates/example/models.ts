/** The models this service offers. */
import { ApiError } from "./http.ts";

type Model = { id: string; object: "model"; created: number; owned_by: string };

/** What each model is for. */
const purposes = { "echo-1": "chat", "hash-embedding-1": "embedding" } as const;

/** The answer of `GET /v1/models`. */
export function listModels(): { object: "list"; data: Model[] } {
  return { object: "list", data: Object.keys(purposes).map((id) => describe(id)) };
}

/** The answer of `GET /v1/models/{id}`. */
export function findModel(id: string): Model {
  if (!Object.hasOwn(purposes, id)) throw unknownModel(id);
  return describe(id);
}

/** Checks the `model` of a request: it must exist and do this kind of work. */
export function modelFor(purpose: "chat" | "embedding", wanted: unknown): string {
  if (typeof wanted !== "string") {
    throw new ApiError(400, "`model` is missing.", { param: "model" });
  }
  const found = Object.entries(purposes).find(([id]) => id === wanted);
  if (!found) throw unknownModel(wanted);
  if (found[1] === purpose) return wanted;
  throw new ApiError(400, `The model ${wanted} is not for ${purpose}.`, { param: "model" });
}

function unknownModel(id: string): ApiError {
  const details = { param: "model", code: "model_not_found" };
  return new ApiError(404, `The model ${id} does not exist.`, details);
}

function describe(id: string): Model {
  return { id, object: "model", created: 1_750_000_000, owned_by: "example" };
}
