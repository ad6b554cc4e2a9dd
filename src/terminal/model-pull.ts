/** Tells the story of a single model pull the way `nexus up` does. */
import type { Action } from "../plan/plan.ts";
import type { ModelProgress } from "../readiness/pull-progress.ts";
import { showApply, showMode } from "./show-apply.ts";

/** Runs a pull while its progress is shown on stderr; resolves and rejects as the pull does. */
export async function showModelPull<Outcome>(
  pull: Omit<Extract<Action, { kind: "pull-model" }>, "id" | "kind" | "after" | "because"> &
    Readonly<{ service: string }>,
  run: (onProgress: (progress: ModelProgress) => void) => Promise<Outcome>,
): Promise<Outcome> {
  const { service, model } = pull;
  const action: Action = {
    ...pull,
    id: `pull-model ${model}`,
    kind: "pull-model",
    after: [],
    because: "asked for",
  };
  const plan = { stack: service, actions: [action], recoveries: {}, unchanged: [], warnings: [] };
  const view = await showApply({ plan, stream: process.stderr, mode: showMode(process.stderr) });
  const startedMs = performance.now();
  view.onEvent({ kind: "started", action });
  try {
    const outcome = await run((progress) => {
      view.onEvent({ kind: "progress", action, progress: { kind: "model", model, ...progress } });
    });
    view.onEvent({ kind: "finished", action, durationMs: performance.now() - startedMs });
    return outcome;
  } finally {
    await view.close();
  }
}
