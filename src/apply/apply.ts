/** Carries a plan out: starts what can start, tells what happens, puts the old back where the new one failed. */
import { exitCodes, NexusError } from "../errors.ts";
import type { Action, Plan } from "../plan/plan.ts";
import { diagnose } from "../readiness/diagnose.ts";
import { GatewayLostError, ModelPullError } from "../readiness/errors.ts";
import type { Cause, Failure } from "../readiness/readiness.ts";
import { NotReadyError } from "./errors.ts";
import type { ApplyEvent, ApplyReport } from "./events.ts";
import { perform } from "./perform.ts";
import { type Ending, runPipeline } from "./pipeline.ts";
import { reportOutcomes } from "./report.ts";
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
  const run = new Run(plan, world, onEvent);
  try {
    await run.execute();
    return {
      services: reportOutcomes(plan, run.endings, run.failures),
      durationMs: performance.now() - since,
      warnings: plan.warnings,
      interrupted: context.signal.aborted,
    };
  } finally {
    await world.close();
  }
}

/** One execution of one plan. */
class Run {
  readonly endings = new Map<string, Ending>();
  readonly failures = new Map<string, Failure>();
  readonly #plan: Plan;
  readonly #world: World;
  readonly #onEvent: (event: ApplyEvent) => void;
  readonly #mending: Promise<void>[] = [];
  #lost: Error | undefined;

  constructor(plan: Plan, world: World, onEvent: (event: ApplyEvent) => void) {
    this.#plan = plan;
    this.#world = world;
    this.#onEvent = onEvent;
  }

  async execute(): Promise<void> {
    await runPipeline(this.#plan.actions, {
      width,
      stopped: () => this.#world.context.signal.aborted || this.#lost !== undefined,
      perform: (action) => this.#perform(action),
      onStart: (action) => this.#onEvent({ kind: "started", action }),
      onEnd: (action, ending) => this.#end(action, ending),
    });
    if (this.#world.context.signal.aborted) this.#undoHalfDone();
    await Promise.all(this.#mending);
    if (this.#lost) throw this.#lost;
  }

  /**
   * A failed action is explained and mended before it counts as ended: the container's last words are needed first.
   * What is no failure of a service, a lost engine or a bug, ends the whole run.
   */
  async #perform(action: Action): Promise<void> {
    try {
      await perform(action, this.#world, (progress) =>
        this.#onEvent({ kind: "progress", action, progress }),
      );
    } catch (error) {
      if (error instanceof GatewayLostError) this.#world.forgetLink();
      if (isLost(error)) this.#lost ??= error;
      else if (!(error instanceof NexusError)) this.#blame(error);
      else await this.#explain(action, error);
      throw error;
    }
  }

  #end(action: Action, ending: Ending): void {
    this.endings.set(action.id, ending);
    if (ending.outcome === "done") {
      this.#onEvent({ kind: "finished", action, durationMs: ending.durationMs });
    } else if (ending.outcome === "skipped") {
      this.#onEvent({ kind: "skipped", action, because: ending.because });
    } else {
      const failure = this.failures.get(action.service ?? "");
      this.#onEvent({ kind: "failed", action, message: failure?.message ?? ending.error.message });
    }
  }

  /** An interruption ends waits with errors of all kinds; anything else that is unknown is a bug. */
  #blame(error: unknown): void {
    if (this.#world.context.signal.aborted) return;
    this.#lost ??= error instanceof Error ? error : new Error(String(error));
  }

  async #explain(action: Action, error: NexusError): Promise<void> {
    const { engine } = this.#world.context;
    const { service = "" } = action;
    if (this.failures.has(service)) return;
    const id = this.#containerOf(action);
    this.failures.set(
      service,
      await diagnose({ engine, service, containerId: id, cause: causeOf(error) }),
    );
    if (!this.#handedOver(service)) this.#mending.push(this.#recover(service));
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

  /** From the switch on (or the last wait, where nothing is switched) the new container serves. */
  #handedOver(service: string): boolean {
    const actions = this.#plan.actions.filter((action) => action.service === service);
    const gate =
      actions.find(({ kind }) => kind === "switch") ??
      actions.findLast(({ kind }) => kind === "await");
    return gate !== undefined && this.endings.get(gate.id)?.outcome === "done";
  }

  /** An interruption leaves nothing down that was up: replacements that did not come through are taken back. */
  #undoHalfDone(): void {
    for (const service of Object.keys(this.#plan.recoveries)) {
      const outcomes = this.#plan.actions
        .filter((action) => action.service === service)
        .map(({ id }) => this.endings.get(id)?.outcome);
      const begun = outcomes.includes("done") && outcomes.includes("skipped");
      if (begun && !this.#handedOver(service) && !this.failures.has(service)) {
        this.#mending.push(this.#recover(service));
      }
    }
  }

  /** Puts the old container back in charge; a step that fails does not keep the next ones from being tried. */
  async #recover(service: string): Promise<void> {
    for (const action of this.#plan.recoveries[service] ?? []) {
      this.#onEvent({ kind: "started", action });
      const since = performance.now();
      await perform(action, this.#world, () => undefined).then(
        () => this.#onEvent({ kind: "finished", action, durationMs: performance.now() - since }),
        (error: Error) => this.#onEvent({ kind: "failed", action, message: error.message }),
      );
    }
  }
}

function isLost(error: unknown): error is NexusError {
  return error instanceof NexusError && error.exitCode === exitCodes.engine;
}

function causeOf(error: NexusError): Cause {
  if (error instanceof NotReadyError) return error.verdict;
  if (error instanceof ModelPullError)
    return { kind: "model-missing", models: [error.model], detail: error.reason };
  const { code, message, remedy, exitCode } = error;
  return { kind: "engine", code, message, remedy, exit: exitCode };
}
