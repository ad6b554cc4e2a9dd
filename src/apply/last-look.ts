/** What the last look at a stack is about, and what it adds to the report. Pure, but for the holding back of events. */
import type { Plan } from "../plan/plan.ts";
import type { ApplyEvent, ServiceOutcome } from "./events.ts";

/** The last look as a plan of its own, at every service that is said to serve; undefined when there is none. */
export function lastLookPlan(plan: Plan, outcomes: readonly ServiceOutcome[]): Plan | undefined {
  const serving = new Set(
    outcomes
      .filter((each) => isSaidToServe(each) || isSpared(each, plan, outcomes))
      .map(({ service }) => service),
  );
  const actions = (plan.lastLook ?? []).filter(({ service = "" }) => serving.has(service));
  if (actions.length === 0) return undefined;
  return { stack: plan.stack, actions, recoveries: {}, unchanged: [], warnings: [] };
}

/** The outcomes, corrected by what the last look saw. */
export function corrected(
  outcomes: readonly ServiceOutcome[],
  looked: readonly ServiceOutcome[],
): ServiceOutcome[] {
  return outcomes.map((before) => {
    const seen = looked.find(({ service }) => service === before.service);
    if (!seen) return before;
    if (seen.outcome !== "ready") return seen;
    return before.outcome === "blocked" ? { service: seen.service, outcome: "unchanged" } : before;
  });
}

/** Milliseconds that a look may take before anybody is told of it. */
const quietMs = 1000;

/** Passes on the events of a look that takes long or fails, and keeps quiet about one that is over at once. */
export function quietly(
  onEvent: (event: ApplyEvent) => void,
): Readonly<{ onEvent: (event: ApplyEvent) => void; end: () => void }> {
  const held = new Map<string, ApplyEvent[]>();
  const tell = () => {
    for (const event of [...held.values()].flat()) onEvent(event);
    held.clear();
    isQuiet = false;
  };
  let isQuiet = true;
  const timer = setTimeout(tell, quietMs);
  return {
    onEvent: (event) => {
      const { id } = event.action;
      if (!isQuiet) return onEvent(event);
      if (event.kind === "finished") return void held.delete(id);
      held.set(id, [...(held.get(id) ?? []), event]);
    },
    end: () => {
      clearTimeout(timer);
      tell();
    },
  };
}

function isSaidToServe({ outcome }: ServiceOutcome): boolean {
  return outcome === "ready" || outcome === "unchanged";
}

/** Nothing was to be done about it but to look at it, and what it depends on was put back as it was. */
function isSpared(
  { service, outcome, failure }: ServiceOutcome,
  { actions }: Plan,
  outcomes: readonly ServiceOutcome[],
): boolean {
  if (outcome !== "blocked" || failure?.cause.kind !== "blocked") return false;
  const { by } = failure.cause;
  const isKept = outcomes.some((each) => each.service === by && each.outcome === "kept");
  return isKept && actions.every((each) => each.service !== service || each.kind === "await");
}
