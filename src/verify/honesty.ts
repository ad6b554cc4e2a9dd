/** Whether ready means that it works: at this moment, and in a fresh copy from its first moment on. */
import { setTimeout as pause } from "node:timers/promises";
import { judgeReadyz } from "./contract.ts";
import { examineEndpoints } from "./endpoints/examine.ts";
import { failed, type Finding, notClaimed, passed, type Verdict } from "./finding.ts";
import { stateOf, type State } from "./readiness.ts";
import { setScene } from "./scene.ts";
import type { Subject } from "./subject.ts";
import { type Answer, type Silence, told, type Visit } from "./visit.ts";

/** The readiness of the service that runs, before and after its endpoints were asked. */
export function judgeMoment(
  around: Readonly<{ before: State; after: State }>,
  endpoints: readonly Finding[],
): Verdict {
  const broken = endpoints.filter(({ outcome }) => outcome === "fail");
  if (broken.length > 0)
    return failed(`It says that it is ready, and does not do what it claims: ${listed(broken)}.`);
  if (around.after !== "ready") return failed("It was ready, and is not any more.");
  const works = endpoints.filter(({ outcome }) => outcome === "pass");
  return works.length > 0
    ? passed(`It says that it is ready, and it does what it claims: ${listed(works)}.`)
    : notClaimed("It claims nothing that could be asked.");
}

function listed(findings: readonly Finding[]): string {
  return findings.map(({ check }) => check).join(", ");
}

/** A copy of the service that was started a moment ago and serves nobody else. */
export type FreshCopy = Readonly<{
  visit: Visit;
  /** Why it has ended; undefined while it runs. */
  ended: () => Promise<string | undefined>;
}>;

/** How long a copy is watched: until nothing has changed for so many milliseconds. */
export type Patience = Readonly<{ stallTimeoutMs: number }>;

type Stretch = Readonly<{ state: State; seen: Answer | Silence; fromMs: number }>;

/** What a copy said from its start until it was ready, and whether it was true. */
export async function judgeFirstMoments(
  subject: Subject,
  copy: FreshCopy,
  patience: Patience,
): Promise<Verdict> {
  const watched = await watch(subject, copy, patience);
  const { stretches } = watched;
  const wrong = stretches.map(({ seen, state }) => wrongIn(seen, state, subject)).find(Boolean);
  if (wrong !== undefined) return failed(wrong);
  if (watched.gaveUp !== undefined) return failed(watched.gaveUp);
  const endpoints = await examineEndpoints(await setScene(subject, copy.visit));
  const broken = endpoints.filter(({ outcome }) => outcome === "fail");
  const story = stretches.map(describe).join(", then ");
  if (broken.length > 0) {
    const [first] = broken;
    return failed(
      `${story}; and at that moment ${first?.check ?? ""} failed: ${first?.detail ?? ""}`,
    );
  }
  return passed(`${story}; and at that moment everything that it claims worked.`);
}

/** The contract knows refusing, 503 and 200. Of other people's software only the last one is judged. */
function wrongIn(seen: Answer | Silence, state: State, { native }: Subject): string | undefined {
  if (!native || seen.kind === "silence" || state === "silent") return undefined;
  const verdict = judgeReadyz(seen);
  return verdict.outcome === "fail" ? verdict.detail : undefined;
}

function describe({ state, seen, fromMs }: Stretch): string {
  const at = `${(fromMs / 1_000).toFixed(1)} s`;
  if (state === "silent") return `no answer from ${at} on`;
  const status = seen.kind === "answer" ? String(seen.status) : "";
  return `${status} from ${at} on`;
}

type Watched = Readonly<{ stretches: readonly Stretch[]; gaveUp?: string }>;

const firstPauseMs = 20;
const longestPauseMs = 200;

/** Asks until it is ready, has ended or makes no progress. */
async function watch(subject: Subject, copy: FreshCopy, patience: Patience): Promise<Watched> {
  const stretches: Stretch[] = [];
  const since = performance.now();
  let [news, newsMs] = ["", since];
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 1.3)) {
    const fromMs = performance.now() - since;
    const seen = await copy.visit({ method: "GET", path: subject.probe.path, timeoutMs: 5_000 });
    const state = stateOf(seen, subject.probe);
    if (isOther(stretches.at(-1), state, seen)) stretches.push({ state, seen, fromMs });
    if (state === "ready") return { stretches };
    const ended = await copy.ended();
    if (ended !== undefined) return { stretches, gaveUp: ended };
    if (told(seen) !== news) [news, newsMs] = [told(seen), performance.now()];
    if (performance.now() - newsMs > patience.stallTimeoutMs)
      return { stretches, gaveUp: `It did not become ready: ${told(seen)}` };
    await pause(pauseMs);
  }
}

function isOther(last: Stretch | undefined, state: State, seen: Answer | Silence): boolean {
  if (last?.state !== state) return true;
  const statusOf = (each: Answer | Silence) => (each.kind === "answer" ? each.status : 0);
  return statusOf(last.seen) !== statusOf(seen);
}
