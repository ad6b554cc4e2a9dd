/** Failures because something on the engine or its host belongs to somebody else. */
import { NexusError, exitCodes } from "../../errors.ts";

/** Who holds a name: enough to recognise it. */
export type NameHolder = Readonly<{
  id: string;
  image?: string;
  /** ISO 8601. */
  createdAt?: string;
  /** The stack or Compose project it says it belongs to. */
  owner?: string;
}>;

/** A container or network of somebody else has the name that is needed. */
export class NameTakenError extends NexusError {
  readonly code = "NEXUS_NAME_TAKEN";
  readonly exitCode = exitCodes.conflict;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(kind: "container" | "network", name: string, holder: NameHolder) {
    super(`The ${kind} name "${name}" is taken by ${describeHolder(kind, holder)}.`);
    const remove = kind === "container" ? `docker rm -f ${name}` : `docker network rm ${name}`;
    this.remedy = `Nexus never removes what is not its own: rename the stack (\`name:\` in nexus.yaml), or remove it yourself with \`${remove}\`.`;
    this.details = { kind, name, holder };
  }
}

function describeHolder(kind: string, { id, image, createdAt, owner }: NameHolder): string {
  const parts = [
    image === undefined ? "" : `image ${image}`,
    createdAt === undefined ? "" : `created ${createdAt}`,
    owner === undefined ? "owner unknown" : `belongs to "${owner}"`,
  ];
  return `another ${kind} (${[id.slice(0, 12), ...parts].filter((part) => part !== "").join(", ")})`;
}

/** Who listens on a port already. */
export type PortHolder = Readonly<
  | { kind: "container"; name: string; image: string; owner?: string }
  | { kind: "process"; pid?: number; command?: string }
>;

/** A host port that is to be published is in use. */
export class PortTakenError extends NexusError {
  readonly code = "NEXUS_PORT_TAKEN";
  readonly exitCode = exitCodes.conflict;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(address: string, port: number, holder: PortHolder) {
    super(`Port ${port} on ${address} is already used by ${portHolderText(holder)}.`);
    this.remedy = `Choose another port in nexus.yaml (for the gateway: \`gateway: { port: ${port + 10} }\`), or ${freeIt(holder)}.`;
    this.details = { address, port, holder };
  }
}

function portHolderText(holder: PortHolder): string {
  if (holder.kind === "container")
    return `the container "${holder.name}" (image ${holder.image}${holder.owner === undefined ? "" : `, of "${holder.owner}"`})`;
  if (holder.pid === undefined) return "a process on the engine's host";
  return `process ${holder.pid}${holder.command === undefined ? "" : ` (${holder.command})`}`;
}

function freeIt(holder: PortHolder): string {
  if (holder.kind === "container") return `stop it with \`docker stop ${holder.name}\``;
  return holder.pid === undefined
    ? "find it with `ss -ltnp`"
    : `end it with \`kill ${holder.pid}\``;
}

/** A host address to publish on does not exist on the engine's host. */
export class AddressNotLocalError extends NexusError {
  readonly code = "NEXUS_ADDRESS_NOT_LOCAL";
  readonly exitCode = exitCodes.conflict;
  readonly remedy =
    "Publish on 127.0.0.1, or on an address that `ip -brief address` lists on the engine's host.";

  constructor(said: string, cause: unknown) {
    super(`The engine's host does not have the address to publish on: ${said}`, { cause });
  }
}

/** The engine may not publish a port below 1024. */
export class PrivilegedPortError extends NexusError {
  readonly code = "NEXUS_PORT_PRIVILEGED";
  readonly exitCode = exitCodes.conflict;
  readonly remedy =
    "Publish a port of 1024 or above, or allow it with `sudo sysctl net.ipv4.ip_unprivileged_port_start=80`.";

  constructor(said: string, cause: unknown) {
    super(`A rootless engine cannot publish ports below 1024: ${said}`, { cause });
  }
}

/** No free address range could be found for a network. */
export class AddressPoolError extends NexusError {
  readonly code = "NEXUS_ADDRESS_POOL";
  readonly exitCode = exitCodes.conflict;
  readonly remedy = "Remove networks that nobody uses with `docker network prune`, then try again.";

  constructor(network: string, tried: number, cause: unknown) {
    super(
      `The engine has no free addresses for the network "${network}" (${tried} ranges tried).`,
      {
        cause,
      },
    );
  }
}

/** A volume is mounted by some container and cannot be removed. */
export class VolumeInUseError extends NexusError {
  readonly code = "NEXUS_VOLUME_IN_USE";
  readonly exitCode = exitCodes.conflict;
  readonly remedy: string;

  constructor(volume: string, said: string, cause: unknown) {
    super(`The volume "${volume}" is in use: ${said}`, { cause });
    this.remedy = `See who uses it with \`docker ps -a --filter volume=${volume}\`, and remove those containers first.`;
  }
}

/** An image is used by some container and cannot be removed. */
export class ImageInUseError extends NexusError {
  readonly code = "NEXUS_IMAGE_IN_USE";
  readonly exitCode = exitCodes.conflict;
  readonly remedy: string;

  constructor(ref: string, said: string, cause: unknown) {
    super(`The image ${ref} is in use: ${said}`, { cause });
    this.remedy = `See who uses it with \`docker ps -a --filter ancestor=${ref}\`.`;
  }
}
