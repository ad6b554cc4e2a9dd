/** What a service is right now, in one word and one sentence, for `nexus status`. Pure. */
import type { ObservedContainer } from "../engine/engine.ts";
import type { ProbeReport } from "../gateway/protocol.ts";
import type { Level, Service } from "../stack/stack.ts";
import { stopCause, stopOf } from "./exit.ts";
import { clause, explain } from "./explain.ts";
import type { Cause } from "./readiness.ts";
import { portOf } from "./stall.ts";

/** A state in one word. */
export type StateWord =
  | "ready"
  | "loading"
  | "reachable"
  | "running"
  | "unreachable"
  | "crashed"
  | "crash-loop"
  | "out-of-memory"
  | "exited"
  | "completed"
  | "unhealthy"
  | "missing"
  | "created";

/** How a service is. */
export type ServiceState = Readonly<{
  state: StateWord;
  /** True when that is all the stack file asks for; `proven` cannot be seen from outside and counts as ready. */
  atLevel: boolean;
  /** One sentence for people. */
  sentence: string;
  /** What to do about it, when something should be done. */
  remedy?: string;
  /** Why it is not at its level, as far as a look can tell. */
  cause?: Cause;
}>;

/** Restarts after which a container that is up for the moment still counts as a crash loop. */
const LOOP_RESTARTS = 3;

/**
 * Judges one service from its newest container, undefined when it has none, and from what the gateway says of it,
 * undefined when the gateway does not know or cannot be asked.
 */
export function classify(
  container: ObservedContainer | undefined,
  report: ProbeReport | undefined,
  service: Service,
): ServiceState {
  if (service.kind === "external") return classifyReport(report, service);
  if (!container) return missing(service.name);
  const cause = stoppedCause(container, service);
  if (cause) {
    const wasStopped = told.has(stopCode(cause)) && hasServed(container, service);
    return wasStopped ? stopped(service.name) : failing(cause, service);
  }
  if (container.state === "created") return interrupted(service.name);
  if (container.state === "exited") return completed(service.name);
  return classifyLiving(container, report, service);
}

function classifyLiving(
  container: ObservedContainer,
  report: ProbeReport | undefined,
  service: Service,
): ServiceState {
  const { health, restartCount, exitCode } = container;
  if (container.state === "paused") return paused(service.name);
  if (report?.state !== "ready") {
    if (restartCount >= LOOP_RESTARTS) {
      return failing({ kind: "crash-loop", exitCode, restarts: restartCount }, service);
    }
    if (health === "unhealthy")
      return failing({ kind: "unhealthy", detail: report?.detail ?? "" }, service);
  }
  if (service.probe) return classifyReport(report, service);
  return health === "starting"
    ? state("loading", service, `${service.name} runs; its health check has not passed yet.`)
    : state("running", service, `${service.name} runs.`);
}

/** Undefined for a container that lives, was never started, or is a job that is done. */
function stoppedCause(container: ObservedContainer, service: Service): Cause | undefined {
  const stop = stopOf(undefined, container, { outOfMemory: false, afterLoss: false });
  if (!stop || stop.kind === "engine-gone") return undefined;
  const isJob = service.kind === "container" && service.oneShot;
  if (isJob && stop.kind === "exited" && stop.exitCode === 0) return undefined;
  return stopCause(stop, container);
}

const wordOfCause: Partial<Readonly<Record<Cause["kind"], StateWord>>> = {
  crashed: "crashed",
  "crash-loop": "crash-loop",
  "out-of-memory": "out-of-memory",
  "exited-early": "exited",
  "start-refused": "crashed",
  unhealthy: "unhealthy",
  removed: "missing",
};

/** Exit codes of a process that was told to stop and did: it has not crashed. */
const told: ReadonlySet<number | undefined> = new Set([0, 143]);

function stopCode(cause: Cause): number | undefined {
  if (cause.kind === "exited-early") return 0;
  return cause.kind === "crashed" ? cause.exitCode : undefined;
}

/** A container gets its restart policy once it is ready, so one that has none yet never was. */
function hasServed({ restart }: ObservedContainer, service: Service): boolean {
  return service.kind !== "container" || restart.name === service.restart.name;
}

function failing(cause: Cause, service: Service): ServiceState {
  const external = service.kind === "external";
  const { message, remedy } = explain(cause, { service: service.name, external, logs: [] });
  return {
    state: wordOfCause[cause.kind] ?? "running",
    atLevel: false,
    sentence: message,
    remedy,
    cause,
  };
}

function classifyReport(report: ProbeReport | undefined, service: Service): ServiceState {
  const { name } = service;
  if (!report) {
    const word = service.kind === "external" ? "unreachable" : "running";
    return state(word, service, `${name} has not been asked by the gateway.`);
  }
  const said = `${name}: ${clause(report.detail)}.`;
  const silent = service.kind === "external" ? "unreachable" : "running";
  const seen = state(report.state === "unreachable" ? silent : report.state, service, said);
  const cause = seen.atLevel ? undefined : reportCause(report, service);
  return cause ? { ...failing(cause, service), state: seen.state } : seen;
}

/** Undefined while it was not looked at yet. */
function reportCause(report: ProbeReport, service: Service): Cause | undefined {
  const { state: word, status, detail, missing_models: models } = report;
  if (models.length > 0) {
    const fetchable = service.kind === "container" && service.modelPull !== "none";
    return { kind: "model-missing", models, detail, ...(fetchable && { fetchable }) };
  }
  if (word === "reachable")
    return { kind: "not-ready", detail, ...(status === undefined ? {} : { status }) };
  if (word === "loading") return { kind: "still-loading", detail };
  if (report.progress_token === "") return undefined;
  const port = service.kind === "external" ? portOf(service.url) : (service.port ?? 0);
  return { kind: "never-listened", port, detail };
}

const ranks: Partial<Readonly<Record<StateWord, number>>> = {
  running: 1,
  reachable: 2,
  loading: 2,
  ready: 3,
};
const wanted: Readonly<Record<Level, number>> = { running: 1, reachable: 2, ready: 3, proven: 3 };

function state(word: StateWord, service: Service, sentence: string): ServiceState {
  const needed = neededBy(service);
  const isStarting = word === "loading" && !service.probe;
  const atLevel = (ranks[word] ?? 0) >= needed && !isStarting;
  const remedy = `Look at \`nexus logs ${service.name}\`, or run \`nexus up\` to wait for it.`;
  return { state: word, atLevel, sentence, ...(atLevel ? {} : { remedy }) };
}

/** Nobody sees the process of an external service: one of which no more is asked is never behind. */
function neededBy({ kind, probe, ready }: Service): number {
  if (kind === "external" && ready === "running") return 0;
  return probe ? wanted[ready] : 1;
}

function missing(name: string): ServiceState {
  return {
    state: "missing",
    atLevel: false,
    sentence: `${name} has no container.`,
    remedy: "Run `nexus up`.",
  };
}

function interrupted(name: string): ServiceState {
  const sentence = `${name} was created but never started: an \`up\` was interrupted.`;
  return { state: "created", atLevel: false, sentence, remedy: "Run `nexus up` to finish it." };
}

function completed(name: string): ServiceState {
  return { state: "completed", atLevel: true, sentence: `${name} has done its work.` };
}

function paused(name: string): ServiceState {
  const sentence = `${name} is paused: somebody froze its container.`;
  return {
    state: "running",
    atLevel: false,
    sentence,
    remedy: "Run `nexus restart`, or unpause it with your engine's own tool.",
  };
}

function stopped(name: string): ServiceState {
  const sentence = `${name} is stopped.`;
  return { state: "exited", atLevel: false, sentence, remedy: "Run `nexus up` to start it." };
}
