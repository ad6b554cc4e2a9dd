/** How what runs differs from the stack file, as far as a look at the labels can tell. Pure. */
import type { ObservedContainer } from "../engine/engine.ts";
import { judgeHash } from "../plan/config-hash.ts";
import { hasSecrets, serviceBlueprint } from "../plan/container-request.ts";
import { internalNetwork, stackNetwork } from "../plan/names.ts";
import type { ContainerService, Service } from "../stack/stack.ts";

/**
 * Why a service's container is not what the stack file asks for; undefined when nothing is seen. Secrets and the
 * placement of GPUs are not compared here: `nexus plan` does.
 */
export function driftOf(
  stack: string,
  service: Service,
  container: ObservedContainer | undefined,
): string | undefined {
  if (service.kind === "external") return undefined;
  if (container === undefined) return "in nexus.yaml, not on the engine";
  if (container.image !== service.image.ref) return `nexus.yaml has image ${service.image.ref}`;
  return !hasSecrets(service) && isChanged(stack, service, container)
    ? "settings differ from nexus.yaml"
    : undefined;
}

function isChanged(
  stack: string,
  service: ContainerService,
  container: ObservedContainer,
): boolean {
  const network = service.egress ? stackNetwork(stack) : internalNetwork(stack);
  const placed = container.gpus === undefined ? {} : { gpus: container.gpus };
  const blueprint = serviceBlueprint(service, { stack, network, ...placed });
  const build = service.image.kind === "build" ? { build: service.image.build.contentHash } : {};
  const label = container.identity?.configHash ?? "";
  return judgeHash(label, blueprint, { secrets: {}, ...build }) === "changed";
}
