/** What became of each service, from how its actions ended. Pure. */
import { type ExitCode, exitCodes } from "../errors.ts";
import type { Action, Plan } from "../plan/plan.ts";
import { explain } from "../readiness/explain.ts";
import type { Failure } from "../readiness/readiness.ts";
import type { ApplyReport, ServiceOutcome } from "./events.ts";
import type { Ending } from "./pipeline.ts";

/** How the carrying out of a plan went. */
export type Account = Readonly<{
  /** By the action's id. */
  endings: ReadonlyMap<string, Ending>;
  /** By service; under the empty name what all share. */
  failures: ReadonlyMap<string, Failure>;
  /** Services whose old container could not be put back. */
  unrecovered: ReadonlySet<string>;
}>;

/** One outcome per service that the plan names, in the plan's order, then those it leaves alone. */
export function reportOutcomes(plan: Plan, account: Account): ServiceOutcome[] {
  const named = [
    ...new Set(plan.actions.flatMap(({ service }) => (service === undefined ? [] : [service]))),
  ];
  const shared = account.failures.get("");
  return [
    ...named.map((service) => outcomeOf(service, plan, account)),
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

function outcomeOf(service: string, plan: Plan, account: Account): ServiceOutcome {
  const { endings, failures } = account;
  const actions = plan.actions.filter((action) => action.service === service);
  const failure = failures.get(service);
  if (failure)
    return { service, outcome: isServing(service, plan, account) ? "kept" : "failed", failure };
  const unfinished = actions.find(({ id }) => endings.get(id)?.outcome !== "done");
  if (unfinished)
    return { service, outcome: "blocked", failure: blockedBy(service, unfinished, plan, account) };
  return { service, ...settled(actions) };
}

/** Whether a container serves in spite of the failure: the old one put back, or a new one that took over before. */
function isServing(service: string, plan: Plan, { endings, unrecovered }: Account): boolean {
  if (plan.recoveries[service]) return !unrecovered.has(service);
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

function blockedBy(service: string, unfinished: Action, plan: Plan, account: Account): Failure {
  const by = rootCause(unfinished, plan, account);
  const cause = { kind: "blocked", by: by ?? "an interruption" } as const;
  const told =
    by === undefined
      ? unfinishedBusiness(service)
      : explain(cause, { service, external: false, logs: [] });
  return { service, cause, ...told, logs: [] };
}

function unfinishedBusiness(service: string): Pick<Failure, "message" | "remedy"> {
  return {
    message: `${service} is not finished, because it was interrupted.`,
    remedy: "Run `nexus up` again: it carries on from here.",
  };
}

/** Walks back from an unfinished action to the one that failed, and names its service; undefined when none did. */
function rootCause(
  unfinished: Action,
  plan: Plan,
  { endings, failures }: Account,
): string | undefined {
  const byId = new Map(plan.actions.map((action) => [action.id, action]));
  for (let current: Action | undefined = unfinished; current;) {
    const { id, service, after }: Action = current;
    if (endings.get(id)?.outcome === "failed")
      return failures.has(service ?? "") ? (service ?? id) : undefined;
    current = after
      .map((before) => byId.get(before))
      .find((action) => action && endings.get(action.id)?.outcome !== "done");
  }
  return undefined;
}
