/** Requests that some candidate has to be asked in other words are translated once, before anybody is asked. */
import type { Endpoint } from "../api/endpoints.ts";
import type { Failure } from "../api/failure.ts";
import { prepareTranslation } from "../messages/translation.ts";
import { prepareRerank } from "../rerank/translation.ts";
import type { Candidate } from "../routing/route.ts";
import type { Inquiry } from "./inquiry.ts";
import type { Payload } from "./payload.ts";
import { askForPictures } from "./pictures.ts";

/** The request in other words, as far as anybody needs it, or why it cannot be said in them. */
export type Prepared = Readonly<
  | {
      kind: "ready";
      translated: Pick<Inquiry, "chat" | "rerank" | "pictures">;
      /** Those that can answer as the client wants it. */
      candidates: readonly Candidate[];
    }
  | { kind: "refused"; failure: Failure }
>;

/** Translates a request for all candidates that need it. */
export function prepare(
  endpoint: Endpoint,
  payload: Payload,
  candidates: readonly Candidate[],
): Prepared {
  const chat = prepareTranslation(endpoint, payload, candidates);
  if (chat?.kind === "refused") return chat;
  const rerank = prepareRerank(endpoint, payload, candidates);
  if (rerank?.kind === "refused") return rerank;
  const pictures = askForPictures(endpoint, payload, candidates);
  if (pictures.kind === "refused") return pictures;
  const translated = {
    ...(chat && { chat: chat.request }),
    ...(rerank && { rerank: rerank.request }),
    ...(pictures.edit && { pictures: pictures.edit }),
  };
  return { kind: "ready", translated, candidates: pictures.candidates };
}
