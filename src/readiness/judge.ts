/** Decides, from everything that is heard about a service while it comes up, whether the wait is over. Pure: no I/O, no clock. */
import type { EngineEvent, ObservedContainer } from "../engine/engine.ts";
import type { Upstream } from "../gateway/config.ts";
import type { ProbeReport } from "../gateway/protocol.ts";
import type { Level } from "../stack/stack.ts";
import { type Stop, stopCause, stopOf } from "./exit.ts";
import type { Cause, Verdict } from "./readiness.ts";
import { stallCause } from "./stall.ts";

/** What is waited for, and how patiently: the same shape as the plan's `AwaitTarget`. */
export type WaitTarget = Readonly<{
  level: Level;
  /** Undefined for a service without HTTP: then its process is all there is to judge. */
  upstream?: Upstream;
  /** Milliseconds without progress after which the wait ends. */
  stallTimeoutMs: number;
  /** Milliseconds a container must stay up at its level. */
  stableMs: number;
  /** The container exits 0 when its work is done. */
  oneShot: boolean;
  /** Its models are fetched through a store of its own. */
  fetchesModels?: true;
}>;

/** One thing heard while waiting. */
export type WaitInput = Readonly<
  | { kind: "report"; report: ProbeReport }
  | { kind: "event"; event: EngineEvent }
  /** What `inspect` says; `afterLoss` when the engine had been away. */
  | { kind: "observed"; container: ObservedContainer | undefined; afterLoss: boolean }
  /** A one-shot job wrote a line: all the progress that can be seen of it. */
  | { kind: "output" }
  | { kind: "proven" }
  | { kind: "failed"; cause: Cause }
  | { kind: "tick" }
>;

/** Everything remembered between two inputs. */
export type WaitState = Readonly<{
  target: WaitTarget;
  /** False for an external service: nothing of ours can die, so there is no stability to wait for. */
  contained: boolean;
  startedAt: number;
  lastProgressAt: number;
  /** Since when it has been at its level; undefined while it is not. */
  levelSince?: number;
  report?: ProbeReport;
  /** The best state ever reported, and the progress tokens seen. */
  bestRank: number;
  seenTokens: readonly string[];
  container?: ObservedContainer;
  health?: NonNullable<ObservedContainer["health"]>;
  outOfMemory: boolean;
  died?: Readonly<{ exitCode: number }>;
  proof: "none" | "asked" | "given";
  /** An inspection was asked for to confirm what the time says. */
  confirming: boolean;
}>;

/**
 * The wait is over, or the engine went away and stopped the container with it, or the wait goes on with a new
 * state and perhaps a question to the outside.
 */
export type Judgement = Readonly<
  | { verdict: Verdict }
  | { stoppedWithEngine: true }
  | { state: WaitState; ask?: "inspect" | "prove" }
>;

/** The state before anything was heard. */
export function beginWait(target: WaitTarget, contained: boolean, now: number): WaitState {
  return {
    target,
    contained,
    startedAt: now,
    lastProgressAt: now,
    bestRank: 0,
    seenTokens: [],
    outOfMemory: false,
    proof: "none",
    confirming: false,
  };
}

/** Takes one input at the time `now`, in milliseconds of the clock the wait began with. */
export function judge(state: WaitState, input: WaitInput, now: number): Judgement {
  switch (input.kind) {
    case "report":
      return judgeLevel(withReport(state, input.report, now), now);
    case "event":
      return judgeEvent(state, input.event, now);
    case "observed":
      return judgeObserved(state, input, now);
    case "output":
      return { state: { ...state, lastProgressAt: now } };
    case "proven":
      return judgeLevel({ ...state, proof: "given", lastProgressAt: now }, now);
    case "failed":
      return failed(input.cause);
    case "tick":
      break;
  }
  return judgeTime(state, now);
}

/** When a `tick` will matter next; undefined while an answer is awaited that decides as well. */
export function nextDeadline(state: WaitState): number | undefined {
  if (state.confirming) return undefined;
  const { stableMs, stallTimeoutMs } = state.target;
  if (state.levelSince !== undefined) return state.levelSince + stableMs;
  return state.lastProgressAt + stallTimeoutMs;
}

function failed(cause: Cause): Judgement {
  return { verdict: { reached: false, cause } };
}

const ranks: Readonly<Record<ProbeReport["state"], number>> = {
  unreachable: 0,
  reachable: 1,
  loading: 2,
  ready: 3,
};

/** How many progress tokens are remembered: one that comes back is no progress. */
const TOKENS_REMEMBERED = 50;

function withReport(state: WaitState, report: ProbeReport, now: number): WaitState {
  const rank = ranks[report.state];
  const sign = signOfProgress(report);
  const isNew = sign !== undefined && !state.seenTokens.includes(sign);
  const progressed = isNew || rank > state.bestRank;
  return {
    ...state,
    report,
    bestRank: Math.max(rank, state.bestRank),
    seenTokens: isNew ? [...state.seenTokens, sign].slice(-TOKENS_REMEMBERED) : state.seenTokens,
    lastProgressAt: progressed ? now : state.lastProgressAt,
  };
}

/** Only a service that says it is loading is believed by any change of its words: error pages hold the time of day. */
function signOfProgress(report: ProbeReport): string | undefined {
  if (report.state === "unreachable") return undefined;
  return report.state === "loading"
    ? report.progress_token
    : `models: ${report.present_models.join()}`;
}

function judgeEvent(state: WaitState, event: EngineEvent, now: number): Judgement {
  switch (event.action) {
    case "oom":
      return { state: { ...state, outOfMemory: true } };
    case "destroy":
      return state.died ? { state } : failed({ kind: "removed" });
    case "die":
      return isOfEarlierRun(event, state.container)
        ? { state }
        : { state: { ...state, died: { exitCode: event.exitCode ?? -1 } }, ask: "inspect" };
    default:
      return judgeHealth(state, event.action, now);
  }
}

const healthActions: Readonly<Record<string, WaitState["health"]>> = {
  "health_status: starting": "starting",
  "health_status: healthy": "healthy",
  "health_status: unhealthy": "unhealthy",
};

function judgeHealth(state: WaitState, action: string, now: number): Judgement {
  const health = healthActions[action];
  return health ? judgeLevel(withHealth(state, health, now), now) : { state };
}

/** A restart's `die` may be told after the container runs again. */
function isOfEarlierRun(event: EngineEvent, container: ObservedContainer | undefined): boolean {
  if (container?.state !== "running") return false;
  return event.timeNano < BigInt(Date.parse(container.startedAt)) * 1_000_000n;
}

function withHealth(
  state: WaitState,
  health: NonNullable<WaitState["health"]>,
  now: number,
): WaitState {
  const changed = state.health !== undefined && state.health !== health;
  return { ...state, health, lastProgressAt: changed ? now : state.lastProgressAt };
}

function judgeObserved(
  state: WaitState,
  { container, afterLoss }: Extract<WaitInput, { kind: "observed" }>,
  now: number,
): Judgement {
  const stop = stopOf(state.died, container, { outOfMemory: state.outOfMemory, afterLoss });
  if (stop) return judgeStop(state, stop, container);
  if (!container || container.state === "created")
    return { state: { ...state, confirming: false } };
  const seen = { ...state, container, confirming: false };
  const healthy = container.health ? withHealth(seen, container.health, now) : seen;
  return state.confirming ? settle(healthy, now) : judgeLevel(healthy, now);
}

function judgeStop(
  { target, container: before }: WaitState,
  stop: Stop,
  container: ObservedContainer | undefined,
): Judgement {
  if (stop.kind === "engine-gone") return { stoppedWithEngine: true };
  const isDone = target.oneShot && stop.kind === "exited" && stop.exitCode === 0;
  if (isDone) return { verdict: { reached: true, level: "completed" } };
  return failed(stopCause(stop, container ?? before));
}

function judgeLevel(state: WaitState, now: number): Judgement {
  if (!isAtLevel(state)) {
    const { levelSince: _, ...below } = state;
    return wantsProof(state)
      ? { state: { ...below, proof: "asked" }, ask: "prove" }
      : { state: below };
  }
  if (!state.contained) return { verdict: { reached: true, level: state.target.level } };
  return { state: { ...state, levelSince: state.levelSince ?? now } };
}

function isAtLevel({ target, container, health, report, proof }: WaitState): boolean {
  const isRunning = container?.state === "running";
  if (target.oneShot) return false;
  if (!target.upstream) return isRunning && (health ?? "healthy") === "healthy";
  if (target.level === "running") return isRunning;
  const isProven = target.level !== "proven" || proof === "given";
  return report !== undefined && ranks[report.state] >= wanted[target.level] && isProven;
}

/** The report that each level needs at least. */
const wanted: Readonly<Record<Exclude<Level, "running">, number>> = {
  reachable: ranks.reachable,
  ready: ranks.ready,
  proven: ranks.ready,
};

function wantsProof({ target, report, proof }: WaitState): boolean {
  return target.level === "proven" && report?.state === "ready" && proof === "none";
}

function judgeTime(state: WaitState, now: number): Judgement {
  if (now < (nextDeadline(state) ?? Infinity)) return { state };
  return state.contained
    ? { state: { ...state, confirming: true }, ask: "inspect" }
    : settle(state, now);
}

/** What the time says once it is certain that the container still runs. */
function settle(state: WaitState, now: number): Judgement {
  if (now < (nextDeadline(state) ?? Infinity)) return judgeLevel(state, now);
  if (state.levelSince === undefined) return failed(stallCause(state));
  return { verdict: { reached: true, level: state.target.level } };
}
