/** Carries a plan out: starts what can start, tells what happens, puts the old back where the new one failed. */
import { exitCodes, NexusError } from "../errors.ts";
import type { Action, Plan } from "../plan/plan.ts";
import { diagnose } from "../readiness/diagnose.ts";
import { GatewayLostError, ModelPullError } from "../readiness/errors.ts";
import type { Cause, Failure } from "../readiness/readiness.ts";
import { NotReadyError } from "./errors.ts";
import type { ApplyEvent, ApplyReport, Progress, ServiceOutcome } from "./events.ts";
import { corrected, lastLookPlan, quietly } from "./last-look.ts";
import { perform } from "./perform.ts";
import { type Ending, runPipeline } from "./pipeline.ts";
import { Recovery } from "./recovery.ts";
import { type Account, reportOutcomes } from "./report.ts";
import { type ApplyContext, World } from "./world.ts";

/** Engine calls in flight at most: beyond this an engine gets no faster and probes starve. */
const width = 8;

/**
 * Executes the plan and reports what became of every service. Failures of services are part of the report;
 * only losing the engine itself throws.
 */
export async function applyPlan(
  plan: Plan,
  context: ApplyContext,
  onEvent: (event: ApplyEvent) => void,
): Promise<ApplyReport> {
  const since = performance.now();
  const world = new World(plan, context);
  try {
    const outcomes = await carryOut(plan, world, onEvent);
    return {
      services: await lookAgain(plan, world, { outcomes, onEvent }),
      durationMs: performance.now() - since,
      warnings: [...plan.warnings, ...world.warnings],
      interrupted: context.signal.aborted,
    };
  } finally {
    await world.close();
  }
}

type OnEvent = (event: ApplyEvent) => void;

async function carryOut(plan: Plan, world: World, onEvent: OnEvent): Promise<ServiceOutcome[]> {
  const run = new Run(plan, world, onEvent);
  await run.execute();
  return reportOutcomes(plan, run.account());
}

/** The outcomes as they are once everything that serves was looked at a last time. */
async function lookAgain(
  plan: Plan,
  world: World,
  { outcomes, onEvent }: Readonly<{ outcomes: ServiceOutcome[]; onEvent: OnEvent }>,
): Promise<ServiceOutcome[]> {
  const look = world.context.signal.aborted ? undefined : lastLookPlan(plan, outcomes);
  if (!look) return outcomes;
  const teller = quietly(onEvent);
  try {
    return corrected(outcomes, await carryOut(look, world, teller.onEvent));
  } finally {
    teller.end();
  }
}

/** One execution of one plan. */
class Run {
  readonly #endings = new Map<string, Ending>();
  readonly #failures = new Map<string, Failure>();
  readonly #recovery: Recovery;
  readonly #plan: Plan;
  readonly #world: World;
  readonly #onEvent: (event: ApplyEvent) => void;
  /** What ends the whole run: the engine is gone, or this program is wrong. */
  #fatal: unknown;

  constructor(plan: Plan, world: World, onEvent: (event: ApplyEvent) => void) {
    this.#plan = plan;
    this.#world = world;
    this.#onEvent = onEvent;
    this.#recovery = new Recovery(plan, world, { endings: this.#endings, onEvent });
  }

  async execute(): Promise<void> {
    await runPipeline(this.#plan.actions, {
      width,
      stopped: () => this.#world.context.signal.aborted || this.#fatal !== undefined,
      perform: (action) => this.#perform(action),
      onStart: (action) => this.#onEvent({ kind: "started", action }),
      onEnd: (action, ending) => this.#end(action, ending),
    });
    await this.#recovery.settled();
    // Of an engine that is gone nothing is known: what it has is looked at anew when it is back.
    if (!isLost(this.#fatal)) await this.#recovery.undoHalfDone();
    await this.#recovery.settled();
    if (this.#fatal !== undefined) throw this.#fatal;
  }

  /** What the report is made of. */
  account(): Account {
    const unrecovered = this.#recovery.lost;
    return { endings: this.#endings, failures: this.#failures, unrecovered };
  }

  /** A failed action is explained before it counts as ended: the container's last words are needed first. */
  async #perform(action: Action): Promise<void> {
    const { signal } = this.#world.context;
    const tell = (progress: Progress) => this.#onEvent({ kind: "progress", action, progress });
    try {
      await perform(action, this.#world, { tell, signal });
    } catch (error) {
      if (error instanceof GatewayLostError) this.#world.forgetLink();
      if (!isInterruption(error, signal)) await this.#judge(action, error);
      throw error;
    }
  }

  #end(action: Action, ending: Ending): void {
    this.#endings.set(action.id, ending);
    if (ending.outcome === "done") {
      this.#onEvent({ kind: "finished", action, durationMs: ending.durationMs });
    } else if (ending.outcome === "skipped") {
      this.#onEvent({ kind: "skipped", action, because: ending.because });
    } else {
      const failure = this.#failures.get(action.service ?? "");
      this.#onEvent({ kind: "failed", action, message: failure?.message ?? ending.error.message });
    }
  }

  /** Whose fault it is: the engine's, ours, or the service's. */
  async #judge(action: Action, error: unknown): Promise<void> {
    const lost = await this.#lossBehind(error);
    if (lost !== undefined || !(error instanceof NexusError)) this.#fatal ??= lost ?? error;
    if (this.#fatal === undefined && error instanceof NexusError)
      await this.#explain(action, error);
  }

  /** A gateway that goes away together with its engine is no failure of a service. */
  async #lossBehind(error: unknown): Promise<unknown> {
    if (isLost(error)) return error;
    if (!(error instanceof GatewayLostError)) return undefined;
    return this.#world.context.engine.describe().then(
      () => undefined,
      (reason: unknown) => (isLost(reason) ? reason : undefined),
    );
  }

  async #explain(action: Action, error: NexusError): Promise<void> {
    const { engine, signatures } = this.#world.context;
    const { service = "" } = action;
    if (this.#failures.has(service)) return;
    const failing = { engine, service, cause: causeOf(error), signatures: signatures?.[service] };
    this.#failures.set(
      service,
      await diagnose({ ...failing, containerId: this.#containerOf(action) }),
    );
    this.#recovery.begin(service);
  }

  /** The container whose last words matter: the action's own, else the one that its service waits for. */
  #containerOf(action: Action): string | undefined {
    const awaited = this.#plan.actions.filter(
      ({ kind, service }) => kind === "await" && service === action.service,
    );
    const [name] = [action, ...awaited].flatMap((each) =>
      "container" in each && typeof each.container === "string" ? [each.container] : [],
    );
    return name === undefined ? undefined : this.#world.containerIfKnown(name);
  }
}

/** An interruption ends waits with errors of all kinds, which are no failure of anything. */
function isInterruption(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted && !(error instanceof NexusError);
}

function isLost(error: unknown): error is NexusError {
  return error instanceof NexusError && error.exitCode === exitCodes.engine;
}

function causeOf(error: NexusError): Cause {
  if (error instanceof NotReadyError) return error.verdict;
  if (error instanceof ModelPullError)
    return {
      kind: "model-missing",
      models: [error.model],
      detail: error.reason,
      fetchable: true,
    };
  const { code, message, remedy, exitCode } = error;
  return { kind: "engine", code, message, remedy, exit: exitCode };
}
