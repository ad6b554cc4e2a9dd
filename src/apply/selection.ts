/** Which services and containers a command means. */
import type { ObservedContainer } from "../engine/engine.ts";
import { exitCodes, NexusError } from "../errors.ts";
import { nearest } from "../stack/nearest.ts";

/** A command names a service that the stack does not have. */
export class UnknownServiceError extends NexusError {
  readonly code = "NEXUS_UNKNOWN_SERVICE";
  readonly exitCode = exitCodes.usage;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(name: string, known: readonly string[]) {
    super(`The stack has no service named ${name}.`);
    const near = nearest(name, known);
    const list = known.length === 0 ? "It has none." : `It has ${known.join(", ")}.`;
    this.remedy = near === undefined ? list : `Did you mean \`${near}\`? ${list}`;
    this.details = { name, known };
  }
}

/** A service has no container that runs. */
export class ServiceNotRunningError extends NexusError {
  readonly code = "NEXUS_SERVICE_NOT_RUNNING";
  readonly exitCode = exitCodes.notReady;
  readonly remedy: string;

  constructor(service: string) {
    super(`${service} is not running.`);
    this.remedy = `See why with \`nexus status\` and \`nexus logs ${service}\`; start it with \`nexus up\`.`;
  }
}

/** The names asked for, or all known ones when none was; throws UnknownServiceError. */
export function selectServices(
  wanted: readonly string[],
  known: readonly string[],
): readonly string[] {
  for (const name of wanted) if (!known.includes(name)) throw new UnknownServiceError(name, known);
  return wanted.length === 0 ? known : [...new Set(wanted)];
}

/** Services that have containers, in the order of their names, the gateway first. */
export function servicesOf(containers: readonly ObservedContainer[]): readonly string[] {
  const names = new Set(containers.flatMap(({ identity }) => (identity ? [identity.service] : [])));
  return [...names].toSorted(
    (a, b) => Number(b === "gateway") - Number(a === "gateway") || a.localeCompare(b),
  );
}

/** The containers of a service, newest generation first. */
export function generationsOf(
  containers: readonly ObservedContainer[],
  service: string,
): readonly ObservedContainer[] {
  return containers
    .filter(({ identity }) => identity?.service === service && identity.generation > 0)
    .toSorted((a, b) => (b.identity?.generation ?? 0) - (a.identity?.generation ?? 0));
}

/** The container that serves for a service: the newest that runs. Throws ServiceNotRunningError. */
export function runningContainer(
  containers: readonly ObservedContainer[],
  service: string,
): ObservedContainer {
  const running = generationsOf(containers, service).find(({ state }) => state === "running");
  if (running === undefined) throw new ServiceNotRunningError(service);
  return running;
}
