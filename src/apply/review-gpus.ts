/** Looks, after an `up`, at the GPUs of services that it had no reason to touch: ready is no proof that they still compute there. */
import type { Engine } from "../engine/engine.ts";
import type { Stack } from "../stack/stack.ts";
import type { ApplyReport } from "./events.ts";
import { readStackStatus, type ServiceStatus } from "./stack-status.ts";

/** The report with services as failed that have lost their GPU or never used it. Changes nothing; throws the engine's errors. */
export async function reviewGpus(
  report: ApplyReport,
  { engine, stack }: Readonly<{ engine: Engine; stack: Stack }>,
): Promise<ApplyReport> {
  const wanting = stack.services.filter(
    (service) => service.kind === "container" && service.gpus.kind !== "none",
  );
  const services = wanting.map(({ name }) => name).filter((name) => isUntouched(report, name));
  if (report.interrupted || services.length === 0) return report;
  const status = await readStackStatus({ engine, name: stack.name, stack, services });
  return withGpuFailures(report, status.services);
}

/** The same, from statuses that were read already. Pure. */
export function withGpuFailures(
  report: ApplyReport,
  statuses: readonly ServiceStatus[],
): ApplyReport {
  const services = report.services.map((outcome) => {
    const status = statuses.find(({ service }) => service === outcome.service);
    if (status?.cause?.kind !== "gpu-unused" || outcome.outcome !== "unchanged") return outcome;
    const { service, cause, sentence: message, remedy = "", logs = [] } = status;
    const failure = { service, cause, message, remedy, logs };
    return { service, outcome: "failed" as const, failure };
  });
  return { ...report, services };
}

function isUntouched({ services }: ApplyReport, name: string): boolean {
  return services.some(({ service, outcome }) => service === name && outcome === "unchanged");
}
