/** What servers of a single language model have in common, and how they lie when they are told to. */
import { liesAbout, servedModel } from "../lie.ts";
import { numberFrom, type Routes, sendJson, serverOf, type Visit } from "../serve.ts";
import { answerChat, answerCompletion, answerEmbeddings, modelList, sendError } from "./chat.ts";

/** One server of one model. */
export type OneModel = Readonly<{
  /** As it was asked for. */
  model: string;
  /** Who owns it in the list of models. */
  owner: string;
  words: readonly string[];
  /** Whether a request that names another model is answered all the same. */
  answersAnything?: boolean;
}>;

/** The routes of OpenAI's API. */
export function openAiRoutes(server: OneModel): Routes {
  const { owner, words } = server;
  const served = servedModel(server.model);
  const manner = { words, everyMs: numberFrom("STAND_IN_CHUNK_MS", 5) };
  const serve = async (visit: Visit, answer: () => void | Promise<void>): Promise<void> => {
    const asked = String(visit.body["model"]);
    const has = server.answersAnything === true || asked === served;
    if (has && !liesAbout("ready-without-model")) return answer();
    const message = `The model \`${asked}\` does not exist.`;
    sendError(visit.response, 404, { message, type: "NotFoundError", code: 404 });
  };
  const listed = liesAbout("ready-without-model") ? [] : [served];
  return {
    "GET /v1/models": ({ response }) => sendJson(response, 200, modelList(listed, owner)),
    "POST /v1/chat/completions": async (visit) =>
      serve(visit, async () => answerChat(visit, manner)),
    "POST /v1/completions": async (visit) => serve(visit, () => answerCompletion(visit, words)),
    "POST /v1/embeddings": async (visit) => serve(visit, () => answerEmbeddings(visit, 16)),
  };
}

/** The same routes behind the time that loading takes: until then, for ever if it lies, `refuse` answers everything. */
export function onceLoaded(routes: Routes, refuse: (visit: Visit) => void): Routes {
  const loadMs = liesAbout("never-ready") ? Infinity : numberFrom("STAND_IN_LOAD_MS", 500);
  const readyAt = performance.now() + loadMs;
  return Object.fromEntries(
    Object.entries(routes).map(([key, answer]) => [
      key,
      (visit: Visit) => (performance.now() < readyAt ? refuse(visit) : answer(visit)),
    ]),
  );
}

/** Listens, or says its last words and ends. */
export function runServer(routes: Routes, port: number): void {
  process.on("SIGTERM", () => process.exit(0));
  const lastWords = process.env["STAND_IN_CRASH"];
  if (lastWords === undefined) serverOf(routes).listen(port, "0.0.0.0");
  else process.stderr.write(`${lastWords}\n`, () => process.exit(1));
}
