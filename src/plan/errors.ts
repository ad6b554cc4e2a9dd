/** Failures that a plan detects before anything is done: conflicts with what is there, and what is missing. */
import type { ForeignContainer, ObservedNetwork, ObservedVolume } from "../engine/engine.ts";
import { exitCodes, NexusError } from "../errors.ts";
import type { PortBinding } from "../stack/stack.ts";

/** No variant of a service's template is made for the hardware that the engine offers. */
export class UnfitHardwareError extends NexusError {
  readonly code = "NEXUS_UNFIT_HARDWARE";
  readonly exitCode = exitCodes.resources;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(service: string, template: string, why: string) {
    super(`No variant of the template ${template} fits this engine for ${service}: ${why}.`);
    this.remedy = `Give ${service} another template (\`nexus catalog\` lists them), an \`image\` of your own, or an engine that it fits; \`nexus gpu ls\` shows what there is.`;
    this.details = { service, template, why };
  }
}

/** The gateway knows a key under a service's name that is not for that service. */
export class ServiceKeyTakenError extends NexusError {
  readonly code = "NEXUS_SERVICE_KEY_TAKEN";
  readonly exitCode = exitCodes.conflict;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(service: string, why: string) {
    super(
      `${service} is to have a key of the gateway of its own, but there is a key named ${service} already, and ${why}.`,
    );
    this.remedy = `Remove it with \`nexus keys rm ${service}\` if nobody else uses it, or give the service another name; then run \`nexus up\`.`;
    this.details = { service, key: service };
  }
}

/** A container that is not the stack's own has a name which the plan needs. */
export class NameConflictError extends NexusError {
  readonly code = "NEXUS_NAME_CONFLICT";
  readonly exitCode = exitCodes.conflict;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(name: string, holder: ForeignContainer) {
    super(
      `The name ${name} is taken by ${describe(holder)}. Nexus never removes what is not its own.`,
    );
    this.remedy = `Rename it (\`docker rename ${holder.name} ${holder.name}-old\`), or give the stack another \`name:\`.`;
    this.details = { name, container: holder.id, owner: holder.owner };
  }
}

/** A port that the stack publishes is held by a container which is not the stack's own. */
export class PortConflictError extends NexusError {
  readonly code = "NEXUS_PORT_CONFLICT";
  readonly exitCode = exitCodes.conflict;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(service: string, port: PortBinding, holder: ForeignContainer) {
    super(`${service} wants port ${portText(port)}, but ${describe(holder)} publishes it.`);
    this.remedy = `Stop it (\`docker stop ${holder.name}\`), or set another ${portKey(service)} in the stack file.`;
    this.details = { service, port: port.hostPort, container: holder.id, owner: holder.owner };
  }
}

/** Two members of the stack want the same port of the host. */
export class PortSharedError extends NexusError {
  readonly code = "NEXUS_PORT_SHARED";
  readonly exitCode = exitCodes.usage;
  readonly remedy: string;

  constructor(first: string, second: string, port: PortBinding) {
    super(`${first} and ${second} both want port ${portText(port)}.`);
    this.remedy = `Set another ${portKey(second)} in the stack file, then run \`nexus plan\`.`;
  }
}

/** A network that belongs to somebody else has the stack's network name. */
export class NetworkConflictError extends NexusError {
  readonly code = "NEXUS_NETWORK_CONFLICT";
  readonly exitCode = exitCodes.conflict;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(network: ObservedNetwork) {
    const owner =
      network.stack === undefined ? "is not Nexus's" : `belongs to stack ${network.stack}`;
    super(`The network ${network.name} is there already and ${owner}.`);
    this.remedy = `Give the stack another \`name:\`, or remove it: \`docker network rm ${network.name}\`.`;
    this.details = { network: network.name, id: network.id };
  }
}

/** A volume that belongs to somebody else has the name of one of the stack's volumes. */
export class VolumeConflictError extends NexusError {
  readonly code = "NEXUS_VOLUME_CONFLICT";
  readonly exitCode = exitCodes.conflict;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(volume: ObservedVolume, owner: string) {
    super(`The volume ${volume.name} is there already and belongs to ${owner}.`);
    this.remedy =
      "Declare it under `volumes:` with `external: true` to share it, or give the volume another name.";
    this.details = { volume: volume.name, owner };
  }
}

/** A volume that the stack expects to be there is not. */
export class VolumeMissingError extends NexusError {
  readonly code = "NEXUS_VOLUME_MISSING";
  readonly exitCode = exitCodes.usage;
  readonly remedy: string;

  constructor(name: string) {
    super(`The external volume ${name} does not exist on this engine.`);
    this.remedy = `Create it (\`docker volume create ${name}\`), or take \`external: true\` away and Nexus creates it.`;
  }
}

/** An image that must not be pulled is not on the engine. */
export class ImageNotPresentError extends NexusError {
  readonly code = "NEXUS_IMAGE_NOT_PRESENT";
  readonly exitCode = exitCodes.image;
  readonly remedy: string;

  constructor(service: string, ref: string) {
    super(
      `${service} needs ${ref}, which is not on this engine, and its pull policy is \`never\`.`,
    );
    this.remedy = `Load it (\`docker load\`), or run \`nexus up\` with \`pull_policy: missing\` for ${service}.`;
  }
}

function describe({ name, image, owner, running }: ForeignContainer): string {
  const whose = owner === undefined ? "" : ` of ${owner}`;
  return `the ${running ? "running" : "stopped"} container ${name}${whose} (image ${image})`;
}

function portText({ hostIp, hostPort, protocol }: PortBinding): string {
  return `${hostIp === "" ? "" : `${hostIp}:`}${hostPort}${protocol === "udp" ? "/udp" : ""}`;
}

function portKey(service: string): string {
  return service === "gateway"
    ? "`gateway.port` or `gateway.observability_port`"
    : `port under \`services.${service}.ports\``;
}
