/** Whether an image could be made right now: the upstream answers, and has a model for it. */
import type { Settings } from "./settings.ts";
import type { Model, Upstream } from "./upstream.ts";

/** The answer of `GET /readyz`. */
export type Readiness = {
  ready: boolean;
  status: "ready" | "loading" | "no_model" | "stopping";
  /** What is missing. */
  stage?: string;
  checks: Record<string, unknown>;
};

/** Nexus waits five seconds for the answer. */
const patienceMs = 4_000;

/** Asks the upstream; never throws. */
export async function readinessOf(upstream: Upstream, settings: Settings): Promise<Readiness> {
  const models = await upstream.models(AbortSignal.timeout(patienceMs)).catch(() => undefined);
  if (models === undefined) {
    const checks = { upstream: "does not answer", model: false };
    return { ready: false, status: "loading", stage: `waiting for ${upstream.title}`, checks };
  }
  const missing = missingIn(models, upstream, settings);
  const checks = { upstream: "ok", model: missing === undefined };
  if (missing === undefined) return { ready: true, status: "ready", checks };
  return { ready: false, status: "no_model", stage: missing, checks };
}

function missingIn(
  models: Model[],
  { title, advice }: Upstream,
  { defaultModel }: Settings,
): string | undefined {
  if (models.length === 0) return `${title} has no model: ${advice}`;
  const names = models.flatMap(({ id, aliases }) => [id, ...aliases]);
  if (defaultModel === undefined || names.includes(defaultModel)) return undefined;
  return `${title} does not have ${defaultModel}, which DEFAULT_MODEL names`;
}
