/** The judge as a table: inputs at their times, and what the last of them leads to. */
import type { ProbeReport } from "../../src/gateway/protocol.ts";
import { beginWait, judge } from "../../src/readiness/judge.ts";
import type { Judgement, WaitInput, WaitTarget } from "../../src/readiness/judge.ts";
import { container, type event } from "./stub-engine.ts";

const upstream = {
  id: "a",
  url: "http://home-a-1:9000",
  api_path: "/v1",
  external: false,
  provides: ["chat"],
  models: [],
  probe: { path: "/readyz", status: [200], loading: [503], models: "none" as const },
};

/** A service without HTTP. */
export const withoutHttp: WaitTarget = {
  level: "running",
  stallTimeoutMs: 10_000,
  stableMs: 300,
  oneShot: false,
};

/** A service that has to be ready, and one that has to be proven. */
export const toBeReady: WaitTarget = { ...withoutHttp, level: "ready", upstream };
export const toBeProven: WaitTarget = { ...toBeReady, level: "proven" };
export const job: WaitTarget = { ...withoutHttp, oneShot: true };

export function report(change: Partial<ProbeReport>): WaitInput {
  const plain: ProbeReport = {
    state: "unreachable",
    detail: "GET /readyz: connection refused",
    missing_models: [],
    present_models: [],
    progress_token: "0",
  };
  return { kind: "report", report: { ...plain, ...change } };
}

export const ready = report({
  state: "ready",
  detail: "GET /readyz answered 200",
  progress_token: "r",
});
export const tick: WaitInput = { kind: "tick" };
export const observed = (change = {}): WaitInput => ({
  kind: "observed",
  container: container(change),
  afterLoss: false,
});
export const heard = (news: ReturnType<typeof event>): WaitInput => ({
  kind: "event",
  event: news,
});

export type Step = readonly [at: number, input: WaitInput];

/** What the last of these inputs leads to; the wait begins at 0. */
export function after(
  steps: readonly Step[],
  target: WaitTarget = toBeReady,
  contained = true,
): Judgement {
  let judgement: Judgement = { state: beginWait(target, contained, 0) };
  for (const [at, input] of steps) {
    if (!("state" in judgement)) throw new Error("the wait was over too early");
    judgement = judge(judgement.state, input, at);
  }
  return judgement;
}

export function causeAfter(steps: readonly Step[], target: WaitTarget = toBeReady): unknown {
  const judgement = after(steps, target);
  return "verdict" in judgement && !judgement.verdict.reached ? judgement.verdict.cause : judgement;
}

export const isReached = (level: string): unknown => ({ verdict: { reached: true, level } });
