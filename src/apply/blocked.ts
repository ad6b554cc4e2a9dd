/** Services that were never started because of another one. Pure. */
import { explain } from "../readiness/explain.ts";
import type { Service } from "../stack/stack.ts";
import type { ServiceStatus } from "./stack-status.ts";

/** Explains every container that was made and not started by the service that it waits for: that one is to be mended. */
export function tellBlocked(
  statuses: readonly ServiceStatus[],
  services: readonly Service[],
): readonly ServiceStatus[] {
  return statuses.map((status) => {
    const by = status.state === "created" && rootOf(status.service, statuses, services);
    if (!by || by === status.service) return status;
    const cause = { kind: "blocked", by } as const;
    const circumstances = { service: status.service, external: false, logs: [] };
    const { message: sentence, remedy } = explain(cause, circumstances);
    return { ...status, sentence, remedy, cause };
  });
}

/** The service at the end of what `name` waits for: itself when nothing that it depends on is amiss. */
function rootOf(
  name: string,
  statuses: readonly ServiceStatus[],
  services: readonly Service[],
): string {
  const wanted = services.find((service) => service.name === name);
  const amiss = wanted?.dependsOn.find(({ service }) =>
    statuses.some((status) => status.service === service && !status.atLevel),
  );
  return amiss === undefined ? name : rootOf(amiss.service, statuses, services);
}
