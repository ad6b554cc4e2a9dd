/** What became of each service, from how its actions ended. Pure. */
import { type ExitCode, exitCodes } from "../errors.ts";
import type { Action, Plan } from "../plan/plan.ts";
import { explain } from "../readiness/explain.ts";
import type { Failure } from "../readiness/readiness.ts";
import type { ApplyReport, ServiceOutcome } from "./events.ts";
import type { Ending } from "./pipeline.ts";

type Endings = ReadonlyMap<string, Ending>;
type Failures = ReadonlyMap<string, Failure>;

/** One outcome per service that the plan names, in the plan's order, then those it leaves alone. */
export function reportOutcomes(plan: Plan, endings: Endings, failures: Failures): ServiceOutcome[] {
  const named = [
    ...new Set(plan.actions.flatMap(({ service }) => (service === undefined ? [] : [service]))),
  ];
  const shared = failures.get("");
  return [
    ...named.map((service) => outcomeOf(service, plan, endings, failures)),
    ...plan.unchanged
      .filter((service) => !named.includes(service))
      .map((service) => ({ service, outcome: "unchanged" as const })),
    ...(shared ? [{ service: plan.stack, outcome: "failed" as const, failure: shared }] : []),
  ];
}

/** The exit code that a report stands for; a failure of one class throughout keeps that class. */
export function exitCodeOf({ services, interrupted }: ApplyReport): ExitCode {
  if (interrupted) return exitCodes.interrupted;
  const failed = services.filter(({ outcome }) => outcome === "failed" || outcome === "kept");
  if (failed.length === 0)
    return services.some(({ outcome }) => outcome === "blocked")
      ? exitCodes.notReady
      : exitCodes.ok;
  const codes = new Set(
    failed.map(({ failure }) =>
      failure?.cause.kind === "engine" ? failure.cause.exit : exitCodes.notReady,
    ),
  );
  return codes.size === 1
    ? (codes.values().next().value ?? exitCodes.notReady)
    : exitCodes.notReady;
}

function outcomeOf(
  service: string,
  plan: Plan,
  endings: Endings,
  failures: Failures,
): ServiceOutcome {
  const actions = plan.actions.filter((action) => action.service === service);
  const failure = failures.get(service);
  if (failure)
    return { service, outcome: isServing(service, plan, endings) ? "kept" : "failed", failure };
  const skipped = actions.find(({ id }) => endings.get(id)?.outcome === "skipped");
  if (skipped)
    return { service, outcome: "blocked", failure: blockedBy(service, skipped, plan, endings) };
  return { service, ...settled(actions) };
}

/** Whether a container serves in spite of the failure: the old one put back, or a new one that took over before. */
function isServing(service: string, plan: Plan, endings: Endings): boolean {
  if (plan.recoveries[service]) return true;
  return plan.actions.some(
    (action) =>
      action.service === service &&
      action.kind === "switch" &&
      endings.get(action.id)?.outcome === "done",
  );
}

function settled(actions: readonly Action[]): Pick<ServiceOutcome, "outcome" | "level"> {
  const awaited = actions.findLast((action) => action.kind === "await");
  if (awaited)
    return awaited.target.oneShot
      ? { outcome: "completed", level: "completed" }
      : { outcome: "ready", level: awaited.target.level };
  const gone =
    actions.some(({ kind }) => kind === "remove") &&
    !actions.some(({ kind }) => kind === "create" || kind === "start");
  return { outcome: gone ? "removed" : "ready" };
}

function blockedBy(service: string, skipped: Action, plan: Plan, endings: Endings): Failure {
  const by = rootCause(skipped, plan, endings);
  return {
    service,
    cause: { kind: "blocked", by },
    ...explain({ kind: "blocked", by }, { service, external: false, logs: [] }),
    logs: [],
  };
}

/** Walks back from a skipped action to the one that failed, and names its service. */
function rootCause(skipped: Action, plan: Plan, endings: Endings): string {
  const byId = new Map(plan.actions.map((action) => [action.id, action]));
  let current = skipped;
  for (;;) {
    const culprit = current.after
      .map((id) => byId.get(id))
      .find((action) => action && endings.get(action.id)?.outcome !== "done");
    if (!culprit) return "an interruption";
    if (endings.get(culprit.id)?.outcome === "failed") return culprit.service ?? culprit.id;
    current = culprit;
  }
}
