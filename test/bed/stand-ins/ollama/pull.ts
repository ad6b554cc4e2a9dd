/** `POST /api/pull`: the NDJSON story of a download, with its speed, stall and failure set by environment. */
import { setTimeout as delay } from "node:timers/promises";
import { numberFrom, sendJson, type Visit } from "../serve.ts";
import {
  findModel,
  fullName,
  isInLibrary,
  modelNamedBy,
  partialBytes,
  saveModel,
  savePartial,
  weightsBytes,
  weightsDigest,
} from "./store.ts";

const steps = 20;
const durationMs = numberFrom("STAND_IN_PULL_MS", 300);
/** Part of the download, 0 to 1, after which nothing more arrives. */
const stallAt = numberFrom("STAND_IN_PULL_STALL_AT", Infinity);
/** Part of the download, 0 to 1, at which the connection to the library breaks. */
const failAt = numberFrom("STAND_IN_PULL_FAIL_AT", Infinity);

type Line = Readonly<Record<string, unknown>>;

/** Answers as Ollama does: status 200 once the stream has begun, so failures are lines with `error`. */
export async function answerPull({ body, response }: Visit): Promise<void> {
  const name = modelNamedBy(body);
  if (name === "") return sendJson(response, 400, { error: "invalid model name" });
  if (body["stream"] === false) return answerAtOnce(name, response);
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  for await (const line of pullStory(name)) {
    if (response.destroyed) return;
    response.write(`${JSON.stringify(line)}\n`);
  }
  response.end();
}

async function answerAtOnce(name: string, response: Visit["response"]): Promise<void> {
  let last: Line = {};
  for await (const line of pullStory(name)) last = line;
  sendJson(response, "error" in last ? 500 : 200, last);
}

async function* pullStory(name: string): AsyncGenerator<Line> {
  yield { status: "pulling manifest" };
  if (!isInLibrary(name)) {
    yield { error: "pull model manifest: file does not exist" };
    return;
  }
  for await (const line of logged(name, download(name))) {
    yield line;
    if ("error" in line) return;
  }
  yield { status: "verifying sha256 digest" };
  yield { status: "writing manifest" };
  saveModel(name);
  yield { status: "success" };
}

/** Its log tells what was really fetched: the bytes that were there before and after, also when the client has left. */
async function* logged(name: string, story: AsyncGenerator<Line>): AsyncGenerator<Line> {
  process.stdout.write(`download ${fullName(name)} from ${partialBytes(name)}\n`);
  try {
    yield* story;
  } finally {
    process.stdout.write(`download ${fullName(name)} to ${partialBytes(name)}\n`);
  }
}

async function* download(name: string): AsyncGenerator<Line> {
  const digest = weightsDigest(name);
  const head = {
    status: `pulling ${digest.slice(0, 12)}`,
    digest: `sha256:${digest}`,
    total: weightsBytes,
  };
  yield head;
  const stepBytes = Math.ceil(weightsBytes / steps);
  let completed = findModel(fullName(name)) === undefined ? partialBytes(name) : weightsBytes;
  while (completed < weightsBytes) {
    if (completed / weightsBytes >= failAt) {
      yield { error: "max retries exceeded: unexpected EOF" };
      return;
    }
    await delay(completed / weightsBytes >= stallAt ? 2 ** 31 - 1 : durationMs / steps);
    completed = Math.min(weightsBytes, completed + stepBytes);
    savePartial(name, completed);
    yield { ...head, completed };
  }
  yield { ...head, completed };
}
