/** Asks an upstream whether it is ready, by its rule, and judges the answers. */
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { ask, type Answer } from "./ask.ts";
import type { Backend } from "./backend.ts";
import type { Probe, Upstream } from "../config.ts";
import { parseJson, valueAt } from "../json.ts";
import { missingModels, modelList, type Model } from "./model-list.ts";
import { readinessWords } from "./probe-words.ts";
import type { ProbeReport } from "../protocol.ts";
import { whyUnconnected } from "../request/upstream-failure.ts";

/** A report, and the models that were listed on the way to it. */
export type Observation = Readonly<{ report: ProbeReport; models: readonly Model[] | undefined }>;

const probeTimeoutMs = 5_000;

/** Looks at an upstream once. */
export async function probeUpstream(
  backend: Backend,
  upstream: Upstream,
  signal?: AbortSignal,
): Promise<Observation> {
  const options = signal ? { timeoutMs: probeTimeoutMs, signal } : { timeoutMs: probeTimeoutMs };
  const { probe } = upstream;
  const answer = await ask(backend, probe.path, options);
  const verdict = judgeAnswer(probe, answer);
  if (verdict.state !== "ready" || probe.models === "none") {
    return { report: report(verdict, [answer]), models: undefined };
  }
  const list = modelList(upstream, probe.models);
  const listing = await ask(backend, list.path, options);
  const models = listing.kind === "answered" ? list.read(listing.body) : undefined;
  return { report: report(judgeModels(upstream, listing, models), [answer, listing]), models };
}

type Verdict = Pick<ProbeReport, "state" | "detail"> &
  Partial<Pick<ProbeReport, "missing_models" | "present_models">>;

function report(verdict: Verdict, answers: readonly Answer[]): ProbeReport {
  const [answer] = answers;
  const status = answer?.kind === "answered" ? { status: answer.status } : {};
  const token = progressToken(verdict, answers);
  return { missing_models: [], present_models: [], ...verdict, ...status, progress_token: token };
}

/** What the rule says of the answer to the probe. */
export function judgeAnswer(probe: Probe, answer: Answer): Verdict {
  const asked = `GET ${probe.path}`;
  if (answer.kind === "none") return judgeSilence(asked, answer);
  const detail = `${asked} answered ${answer.status}`;
  if (probe.loading.includes(answer.status))
    return { state: "loading", detail: detail + wordsOf(answer.body) };
  if (!probe.status.includes(answer.status)) {
    const wanted = `not ${probe.status.join(" or ")}${wordsOf(answer.body)}`;
    return { state: "reachable", detail: `${detail}, ${wanted}` };
  }
  return probe.json ? judgeJson(probe.json, answer.body, detail) : { state: "ready", detail };
}

function wordsOf(body: Buffer): string {
  const words = readinessWords(body);
  return words === undefined ? "" : `: ${words}`;
}

function judgeSilence(asked: string, answer: Extract<Answer, { kind: "none" }>): Verdict {
  if (!answer.connected) {
    return { state: "unreachable", detail: `${asked}: it ${whyUnconnected(answer.code)}` };
  }
  const because =
    answer.code === "timeout"
      ? `no answer within ${probeTimeoutMs / 1000} s`
      : "the connection was closed without an answer";
  return { state: "unreachable", detail: `${asked}: ${because}` };
}

function judgeJson(rule: NonNullable<Probe["json"]>, body: Buffer, detail: string): Verdict {
  const found = valueAt(parseJson(body), rule.pointer);
  if (isDeepStrictEqual(found, rule.equals)) return { state: "ready", detail };
  const wanted = `${rule.pointer} is not ${JSON.stringify(rule.equals)}`;
  return { state: "reachable", detail: `${detail}, but ${wanted}${wordsOf(body)}` };
}

function judgeModels(
  upstream: Upstream,
  listing: Answer,
  models: readonly Model[] | undefined,
): Verdict {
  const asked = `GET ${modelList(upstream, upstream.probe.models).path}`;
  if (listing.kind === "none" || listing.status !== 200 || !models) {
    const came = listing.kind === "none" ? "had no answer" : `answered ${listing.status}`;
    return { state: "reachable", detail: `${asked} ${came} instead of a list of models` };
  }
  const present = models.map(({ id }) => id);
  const missing = missingModels(upstream, present);
  const lists = { missing_models: missing, present_models: present };
  const detail = `${asked} lists ${counted(present.length)}`;
  if (missing.length === 0) return { state: "ready", detail, ...lists };
  const but = present.length === 0 ? "" : `, but not ${missing.join(", ")}`;
  return { state: "reachable", detail: `${detail}${but}`, ...lists };
}

function counted(models: number): string {
  if (models === 0) return "no models";
  return models === 1 ? "1 model" : `${models} models`;
}

function progressToken(verdict: Verdict, answers: readonly Answer[]): string {
  const hash = createHash("sha256").update(verdict.state);
  for (const answer of answers) {
    if (answer.kind === "answered") hash.update(`\n${answer.status}\n`).update(answer.body);
  }
  return hash.digest("hex").slice(0, 16);
}
