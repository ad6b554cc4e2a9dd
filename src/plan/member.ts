/** The containers of a stack as wanted: its services and the gateway, described alike. */
import type { GpuDevices, GpuNote, Role } from "../engine/engine.ts";
import type { Upstream } from "../gateway/config.ts";
import type { ContainerService, ImageSource, Level, Service, Stack } from "../stack/stack.ts";
import type { Blueprint, HashedContents } from "./config-hash.ts";
import { gatewayBlueprint, serviceBlueprint } from "./container-request.ts";
import { UnfitHardwareError } from "./errors.ts";
import { gpuLimits, type SharedLimits, upstreamOf } from "./gateway-config.ts";
import { claimsOf, commandOn, gpuNoteOf, machineOf } from "./gpu-claims.ts";
import { gpuDevices, type GpuPlacement, placeGpus } from "./gpu-placement.ts";
import { gatewayName, internalNetwork, stackNetwork } from "./names.ts";
import type { AwaitTarget, UpInput } from "./plan.ts";

/** One container of the stack as wanted. */
export type Member = Readonly<{
  /** The service's name, or `gateway`. */
  name: string;
  role: Role;
  blueprint: Blueprint;
  contents: HashedContents;
  image: ImageSource | Readonly<{ kind: "gateway"; ref: string }>;
  /** Every network it belongs to, the one it is created on first. */
  networks: readonly string[];
  /** Undefined for the gateway. */
  service?: ContainerService;
  level: Level;
  /** Why it would take a GPU but runs on the CPU. */
  onCpu?: string;
  /** What its container remembers of the engine's GPUs. */
  gpuNote?: GpuNote;
  /** What may go wrong with its GPUs, in sentences. */
  gpuWarnings: readonly string[];
  /** The limits that it shares with others on its GPUs. */
  sharedLimits: SharedLimits;
  /** Its GPUs have room for a second container while it is replaced. */
  gpuRoomForTwo: boolean;
}>;

const gatewayStallMs = 30_000;

/**
 * The gateway first, then every container service in file order. Those in `moving` are replaced anyhow, and take no
 * cordoned GPU with them. Throws UnfitHardwareError and the errors of GPU placement.
 */
export function membersOf(
  input: UpInput,
  moving: ReadonlySet<string> = new Set(),
): readonly Member[] {
  const placements = placeGpus(claimsOf(input, moving), machineOf(input));
  const services = containerServices(input.stack);
  return [
    gatewayMember(input),
    ...services.map((service) => serviceMember(service, input, placements.get(service.name))),
  ];
}

/** The services that run in containers. */
export function containerServices({ services }: Stack): readonly ContainerService[] {
  return services.filter((service) => service.kind === "container");
}

/** Whether the stack has a network without a way out. */
export function hasInternalNetwork(stack: Stack): boolean {
  return containerServices(stack).some(({ egress }) => !egress);
}

/** A member as the gateway sees it in one of its containers; undefined for one that does not speak HTTP. */
export function memberUpstream(
  { service, sharedLimits }: Member,
  container: string,
): Upstream | undefined {
  return service && upstreamOf(service, container, sharedLimits);
}

/** What to wait for when a member's container has started. */
export function awaitTarget(member: Member, container: string): AwaitTarget {
  const upstream = memberUpstream(member, container);
  const { service, level, blueprint } = member;
  const gpuCheck = blueprint.gpus && service?.gpuCheck;
  return {
    level,
    ...(upstream && { upstream }),
    stallTimeoutMs: service?.stallTimeoutMs ?? gatewayStallMs,
    stableMs: service?.stableMs ?? 0,
    oneShot: isOneShot(member),
    ...(hasStore(member) && { fetchesModels: true }),
    ...(gpuCheck && { gpuCheck }),
  };
}

function hasStore({ service }: Member): boolean {
  return service !== undefined && service.modelPull !== "none";
}

/** Whether it is done when it exits 0. */
export function isOneShot({ service }: Member): boolean {
  return service?.oneShot ?? false;
}

function gatewayMember({ stack, gateway }: UpInput): Member {
  const networks = [stackNetwork(stack.name)];
  return {
    name: gatewayName,
    role: "gateway",
    blueprint: gatewayBlueprint(stack, gateway.image),
    contents: { secrets: {} },
    image: { kind: "gateway", ref: gateway.image },
    networks: hasInternalNetwork(stack) ? [...networks, internalNetwork(stack.name)] : networks,
    level: "ready",
    gpuWarnings: [],
    sharedLimits: [],
    gpuRoomForTwo: true,
  };
}

function serviceMember(
  claimant: ContainerService,
  input: UpInput,
  placement: GpuPlacement = onNoGpu,
): Member {
  const { stack, engine } = input;
  const service = placedService(claimant, placement);
  const networks = networksOf(service, stack);
  const gpus = gpuDevices(placement.ids, engine);
  const gpuNote = gpuNoteOf(claimant, placement.ids, input);
  const command = commandOn(service, placement.ids, input);
  const placed = { stack: stack.name, ...(gpus && { gpus }) };
  return {
    name: service.name,
    role: service.oneShot ? "job" : "service",
    blueprint: blueprintOn(networks, { ...service, ...(command && { command }) }, placed),
    contents: contentsOf(service, input),
    image: service.image,
    networks,
    service,
    level: service.ready,
    ...(placement.onCpu !== undefined && { onCpu: placement.onCpu }),
    ...(gpuNote && { gpuNote }),
    gpuWarnings: placement.warnings,
    sharedLimits: gpuLimits(stack, placement.ids),
    gpuRoomForTwo: placement.roomForTwo,
  };
}

/** The service as it is with what it was given. Throws UnfitHardwareError where it got no GPU and cannot do without. */
function placedService(service: ContainerService, { onCpu }: GpuPlacement): ContainerService {
  const { withoutGpu, name, template = "" } = service;
  if (onCpu === undefined || !withoutGpu) return service;
  if (withoutGpu.unfit === undefined) return withoutGpu;
  throw new UnfitHardwareError(name, template, `${onCpu}, and none of them runs without a GPU`);
}

const onNoGpu: GpuPlacement = { ids: [], roomForTwo: true, warnings: [] };

function blueprintOn(
  [network = ""]: readonly string[],
  service: ContainerService,
  placed: Readonly<{ stack: string; gpus?: GpuDevices }>,
): Blueprint {
  return serviceBlueprint(service, { ...placed, network });
}

/** A service without egress has the internal network alone; those that it talks to, and that talk to it, have both. */
function networksOf(service: ContainerService, stack: Stack): readonly string[] {
  const internal = internalNetwork(stack.name);
  if (!service.egress) return [internal];
  const outside = stackNetwork(stack.name);
  return touchesInternal(service, stack.services) ? [outside, internal] : [outside];
}

function touchesInternal(service: ContainerService, services: readonly Service[]): boolean {
  return services.some(
    (other) =>
      other.kind === "container" &&
      !other.egress &&
      (dependsOn(other, service) || dependsOn(service, other)),
  );
}

function dependsOn(dependent: Service, dependency: Service): boolean {
  return dependent.dependsOn.some(({ service }) => service === dependency.name);
}

function contentsOf(
  service: ContainerService,
  { secretDigests, serviceKeys }: UpInput,
): HashedContents {
  const secrets = service.secrets.map(({ name }) => [name, secretDigests[name] ?? ""]);
  const { gatewayKey, name } = service;
  return {
    secrets: {
      ...Object.fromEntries(secrets),
      ...(gatewayKey && { [gatewayKey.name]: serviceKeys[name]?.digest ?? "" }),
    },
    ...(service.image.kind === "build" && { build: service.image.build.contentHash }),
  };
}
