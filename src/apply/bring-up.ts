/** `up`, `down` and `restart` from end to end: look, plan, lock, look again, ask, apply, report. */
import type { Engine, EngineDescription, Observed } from "../engine/engine.ts";
import type { Plan } from "../plan/plan.ts";
import { type EventFeed, openEventFeed } from "../readiness/event-feed.ts";
import { ConsentRefusedError, InterruptedError } from "./errors.ts";
import type { ApplyEvent, ApplyReport } from "./events.ts";
import { applyPlan } from "./apply.ts";
import type { GatewayImage } from "./gateway-image.ts";
import { clearDeadLock, withStackLock } from "./lock.ts";
import type { Signatures } from "./signatures.ts";
import { afterLoss, waitForEngine } from "./loss.ts";

/** How often a change is begun anew because the engine went away in the middle. */
const attempts = 3;

/** A look at the world and the plan that follows from it. */
export type Survey = Readonly<{
  plan: Plan;
  observed: Observed;
  description: EngineDescription;
  gatewayImage: GatewayImage;
  /** Keys that the plan makes, as digests in it; they are nowhere else. */
  freshKeys?: ReadonlyMap<string, string>;
  signatures?: Signatures;
}>;

export type ChangeOptions = Readonly<{
  engine: Engine;
  stack: string;
  /** As the user typed it, for whoever meets the lock. */
  command: string;
  /** Looks and plans; called again whenever the world may have changed. */
  survey: () => Promise<Survey>;
  /** A look for what only the first change brought to light, such as a newer image under the same tag. */
  lookAgain?: () => Promise<Survey>;
  /** Looks once more at what the change leaves, and corrects the report. */
  review?: (report: ApplyReport) => Promise<ApplyReport>;
  /** Told each plan that is about to be applied: one, or more when the engine was lost in between. */
  onPlan: (plan: Plan) => Promise<void>;
  onEvent: (event: ApplyEvent) => void;
  /** Asked before anything is destroyed. */
  consent: (losses: readonly string[]) => Promise<boolean>;
  /** How long to wait for a lock that somebody else holds, in milliseconds. */
  waitForLockMs: number;
  signal: AbortSignal;
}>;

/**
 * Brings the world to what the survey plans. Makes no writing call when there is nothing to change.
 * Throws StackLockedError, ConsentRefusedError, InterruptedError and whatever the survey throws; failing services are in the report.
 */
export async function changeStack(options: ChangeOptions): Promise<ApplyReport> {
  const report = await changeUnlessDone(options);
  return (await options.review?.(report)) ?? report;
}

async function changeUnlessDone(options: ChangeOptions): Promise<ApplyReport> {
  const { engine, stack, command, waitForLockMs } = options;
  const first = await options.survey();
  const lock = { engine, stack, command, waitMs: waitForLockMs, signal: options.signal };
  if (first.plan.actions.length > 0) return withStackLock(lock, () => changeLocked(options));
  await clearDeadLock(lock, first.observed.volumes);
  return nothingDone(first.plan);
}

async function changeLocked(options: ChangeOptions): Promise<ApplyReport> {
  const { engine, stack } = options;
  await using feed = openEventFeed({ engine, stack });
  const survey = await options.survey();
  if (survey.plan.actions.length === 0) return nothingDone(survey.plan);
  await askAbout(survey.plan, options);
  if (options.signal.aborted) throw new InterruptedError();
  await options.onPlan(survey.plan);
  const report = await applyUntilSettled(survey, feed, options);
  const more = report.interrupted ? undefined : await options.lookAgain?.();
  if (!more || more.plan.actions.length === 0) return report;
  await options.onPlan(more.plan);
  return await applyUntilSettled(more, feed, options);
}

/** Applies; when the engine goes away meanwhile, waits for it and carries on from what is there then. */
async function applyUntilSettled(
  first: Survey,
  feed: EventFeed,
  options: ChangeOptions,
): Promise<ApplyReport> {
  const { engine, signal, onEvent } = options;
  let survey: Survey | undefined = first;
  for (let attempt = 1; ; attempt++) {
    try {
      survey ??= await surveyAgain(options);
      const { description: _, plan, ...seen } = survey;
      return await applyPlan(plan, { engine, ...seen, feed, signal }, onEvent);
    } catch (error) {
      if (!afterLoss(error) || attempt === attempts) throw error;
      survey = undefined;
      await waitForEngine(engine, signal);
    }
  }
}

async function surveyAgain({ survey, onPlan }: ChangeOptions): Promise<Survey> {
  const again = await survey();
  await onPlan(again.plan);
  return again;
}

async function askAbout(plan: Plan, { consent }: ChangeOptions): Promise<void> {
  const losses = plan.actions.flatMap(({ cost }) =>
    cost?.destroys === undefined ? [] : [cost.destroys],
  );
  if (losses.length > 0 && !(await consent(losses))) throw new ConsentRefusedError(losses);
}

function nothingDone({ unchanged, warnings }: Plan): ApplyReport {
  return {
    services: unchanged.map((service) => ({ service, outcome: "unchanged" })),
    durationMs: 0,
    warnings,
    interrupted: false,
  };
}
