/** Runs a plan's actions as soon as those before them have succeeded; knows nothing of what they do. */
import type { Action } from "../plan/plan.ts";

/** How one action ended. */
export type Ending = Readonly<
  | { outcome: "done"; durationMs: number }
  | { outcome: "failed"; error: Error }
  | { outcome: "skipped"; because: string }
>;

export type PipelineOptions = Readonly<{
  perform: (action: Action) => Promise<void>;
  onStart: (action: Action) => void;
  onEnd: (action: Action, ending: Ending) => void;
  /** True once nothing new may be started; what is in flight is always finished. */
  stopped: () => boolean;
  /** Engine calls in flight at most; waiting costs the engine nothing and is not counted. */
  width: number;
}>;

const waits: ReadonlySet<Action["kind"]> = new Set(["await", "drain", "pull-model", "pull"]);

/** Models that one store fetches at once: more share the same line and all come later. */
const pullsPerStore = 2;

/** Resolves with every action's ending, by id, once nothing more can run. */
export async function runPipeline(
  actions: readonly Action[],
  options: PipelineOptions,
): Promise<ReadonlyMap<string, Ending>> {
  const endings = new Map<string, Ending>();
  const services = new Map(actions.map(({ id, service }) => [id, service]));
  const pending = new Set(actions);
  const running = new Map<string, Promise<void>>();
  const busy = () =>
    actions.filter((action) => running.has(action.id) && !waits.has(action.kind)).length;

  const isStoreBusy = ({ kind, service }: Action) =>
    kind === "pull-model" &&
    actions.filter(
      (other) => other.kind === kind && other.service === service && running.has(other.id),
    ).length >= pullsPerStore;

  const end = (action: Action, ending: Ending): void => {
    endings.set(action.id, ending);
    options.onEnd(action, ending);
  };
  const begin = (action: Action): void => {
    pending.delete(action);
    options.onStart(action);
    const since = performance.now();
    const run = options.perform(action).then(
      () => end(action, { outcome: "done", durationMs: performance.now() - since }),
      (error: unknown) =>
        end(action, {
          outcome: "failed",
          error: error instanceof Error ? error : new Error(String(error)),
        }),
    );
    running.set(
      action.id,
      run.finally(() => running.delete(action.id)),
    );
  };

  for (;;) {
    skipHopeless(pending, end, (action) =>
      options.stopped() ? "interrupted" : hopeless(action, endings, (id) => services.get(id)),
    );
    for (const action of pending) {
      if (!action.after.every((id) => endings.get(id)?.outcome === "done")) continue;
      if (!waits.has(action.kind) && busy() >= options.width) continue;
      if (isStoreBusy(action)) continue;
      begin(action);
    }
    if (running.size === 0) return endings;
    await Promise.race(running.values());
  }
}

/** Ends the actions that can never run: something before them failed, or the user said stop. */
function skipHopeless(
  pending: Set<Action>,
  end: (action: Action, ending: Ending) => void,
  whyNot: (action: Action) => string | undefined,
): void {
  let changed = true;
  while (changed) {
    changed = false;
    for (const action of pending) {
      const because = whyNot(action);
      if (because === undefined) continue;
      pending.delete(action);
      end(action, { outcome: "skipped", because });
      changed = true;
    }
  }
}

/** Another service that failed is named as such; within one service, the action is. */
function hopeless(
  action: Action,
  endings: ReadonlyMap<string, Ending>,
  serviceOf: (id: string) => string | undefined,
): string | undefined {
  const culprit = action.after.find((id) => {
    const outcome = endings.get(id)?.outcome;
    return outcome === "failed" || outcome === "skipped";
  });
  if (culprit === undefined) return undefined;
  const service = serviceOf(culprit);
  return `${service === undefined || service === action.service ? culprit : service} did not succeed`;
}
