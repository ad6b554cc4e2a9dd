/** Asks the endpoints that a service claims and judges what they answer. */
import { failed, type Finding, notClaimed, type Verdict } from "../finding.ts";
import { judgeModels, modelsFor, readModels } from "../models.ts";
import type { Scene } from "../scene.ts";
import { told } from "../visit.ts";
import { carry, type Exam, type Means } from "./exam.ts";
import { mediaExams } from "./media.ts";
import { examineOwn } from "./own.ts";
import { teiRerank, textExams } from "./text.ts";

const exams: readonly Exam[] = [...textExams, ...mediaExams];

/** A row for every endpoint that could be claimed, and for every one of the service's own. */
export async function examineEndpoints(scene: Scene): Promise<readonly Finding[]> {
  const findings: Finding[] = [modelsFinding(scene)];
  for (const exam of exams) {
    const verdict = await examine(scene, exam);
    if (verdict) findings.push({ group: "endpoints", check: exam.check, ...verdict });
  }
  for (const endpoint of scene.claims.own) {
    const check = `${endpoint.method ?? "GET"} ${endpoint.path}`;
    const verdict = await examineOwn(scene.visit, endpoint);
    findings.push({ group: "endpoints", check, ...verdict });
  }
  return findings;
}

function modelsFinding(scene: Scene): Finding {
  const { subject, modelsAnswer } = scene;
  const isThere = modelsAnswer.kind === "answer" && modelsAnswer.status === 200;
  const verdict =
    isThere || promisesList(scene)
      ? judgeModels(modelsAnswer, subject)
      : notClaimed(whyNoList(subject));
  return { group: "endpoints", check: "models", ...verdict };
}

/** Requests for texts name models, so they have to be listed; software of others may tell them elsewhere, or have one that nobody names. */
function promisesList({ subject, claims, native }: Scene): boolean {
  const list = subject.probe.models;
  if (!native && list === "tei") return false;
  const isNeeded = claims.known.some(({ capability }) => isOfTexts(capability));
  return isNeeded || (subject.models.length > 0 && (native || list !== "none"));
}

const isOfTexts = (capability: string): boolean =>
  ["chat", "completion", "embedding"].includes(capability);

function whyNoList({ probe, models }: Scene["subject"]): string {
  if (probe.models === "tei") return "It tells its model at GET /info.";
  return models.length > 0
    ? "It has no list of models."
    : "Nothing that it does needs a list of models.";
}

/** Undefined for a second question about an endpoint that is not claimed: one row says so. */
async function examine(scene: Scene, exam: Exam): Promise<Verdict | undefined> {
  const endpoint = scene.claims.known.find(({ check }) => check === exam.endpoint);
  if (endpoint === undefined)
    return exam.check === exam.endpoint ? notClaimed("It does not say that it does.") : undefined;
  const verdict = await passExam(scene, exam);
  const isForgiven = verdict.outcome === "fail" && exam.optional === true && !scene.native;
  return isForgiven ? notClaimed(verdict.detail) : verdict;
}

/** Tries likely models until one passes; what the likeliest failed with is told. */
async function passExam(scene: Scene, exam: Exam): Promise<Verdict> {
  let likeliest: Verdict | undefined;
  for (const means of meansFor(scene, exam.endpoint)) {
    const verdict = await ask(scene, exam, means);
    if (verdict.outcome === "pass") return verdict;
    likeliest ??= verdict;
  }
  return likeliest ?? failed("It lists no model to ask with.");
}

/** What to ask an endpoint with, the likeliest first; nothing where a model has to be named and the service lists none. */
export function meansFor(scene: Scene, endpoint: string): readonly Means[] {
  const { subject, models, claims, modelsAnswer } = scene;
  const capability = claims.known.find(({ check }) => check === endpoint)?.capability ?? "";
  const voice = voiceOf(scene);
  const names = modelsFor(capability, subject, models);
  const isEmptyList = readModels(modelsAnswer)?.length === 0;
  if (names.length === 0 && isEmptyList && isOfTexts(capability)) return [];
  return names.length === 0
    ? [{ model: undefined, voice }]
    : names.map((model) => ({ model, voice }));
}

/** OpenAI's clients always name a voice; a service that has others says so in its form or lists them. */
function voiceOf({ metadata, subject, voices }: Scene): string {
  const options = [...(metadata?.ui?.options ?? []), ...(subject.options ?? [])];
  const offered = options
    .filter(({ key }) => key === "voice")
    .flatMap(({ default: usual, values = [] }) => [usual, ...values]);
  const named = [...offered, ...voices].filter((voice) => typeof voice === "string");
  return named[0] ?? "alloy";
}

async function ask(scene: Scene, exam: Exam, means: Means): Promise<Verdict> {
  const { path, dialect } = placeOf(scene, exam);
  const { body, judge } = dialect;
  const seen = await scene.visit({
    method: "POST",
    path,
    ...(await carry(body(means))),
    ...(exam.timeoutMs === undefined ? {} : { timeoutMs: exam.timeoutMs }),
  });
  if (seen.kind === "silence") return failed(`No answer: ${seen.why}`);
  if (seen.status === 200) return judge(seen);
  const model = means.model === undefined ? "" : ` with the model ${means.model}`;
  return failed(`Asked${model}, it answered ${told(seen)}`);
}

/** Where an endpoint is, and how it is spoken to there. */
function placeOf(
  { subject, claims }: Scene,
  exam: Exam,
): Readonly<{ path: string; dialect: Pick<Exam, "body" | "judge"> }> {
  if (exam.check === "rerank" && subject.dialects?.rerank === "tei")
    return { path: "/rerank", dialect: teiRerank };
  const path = claims.known.find(({ check }) => check === exam.endpoint)?.path ?? "";
  return { path: subject.apiPath + path, dialect: exam };
}

/** The exam of that check. */
export function examOf(check: string): Exam | undefined {
  return exams.find((exam) => exam.check === check);
}
