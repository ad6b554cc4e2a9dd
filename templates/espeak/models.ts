/** The one model there is. */
import { ApiError } from "./http.ts";

type Model = { id: string; object: "model"; created: number; owned_by: string };

const model: Model = {
  id: "espeak-ng",
  object: "model",
  created: 1_649_721_600,
  owned_by: "espeak-ng",
};

/** The answer of `GET /v1/models`. */
export function listModels(): { object: "list"; data: Model[] } {
  return { object: "list", data: [model] };
}

/** The answer of `GET /v1/models/{id}`; throws an ApiError for any other than the one. */
export function findModel(id: string): Model {
  if (id === model.id) return model;
  const details = { param: "model", code: "model_not_found" };
  throw new ApiError(404, `The model ${id} does not exist: there is ${model.id}.`, details);
}
