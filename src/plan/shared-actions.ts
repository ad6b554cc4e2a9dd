/** What services share: images, networks and volumes that are not there yet. */
import type { ObservedNetwork, ObservedVolume, VolumeRequest } from "../engine/engine.ts";
import type { ImageSource, Volume } from "../stack/stack.ts";
import type { Course } from "./course.ts";
import {
  ImageNotPresentError,
  NetworkConflictError,
  VolumeConflictError,
  VolumeMissingError,
} from "./errors.ts";
import { hasSecrets } from "./container-request.ts";
import { hasInternalNetwork } from "./member.ts";
import {
  actionId,
  gatewayName,
  gatewayVolume,
  internalNetwork,
  secretsVolume,
  stackNetwork,
} from "./names.ts";
import type { Action, UpInput } from "./plan.ts";
import type { Scene } from "./scene.ts";

const notThere = "it is not on this engine yet";

/** Pulls and builds, one per image. Throws {@link ImageNotPresentError}. */
export function imageActions({ input, courses }: Scene): readonly Action[] {
  const actions = courses.flatMap((course) => imageAction(course, input));
  const byId = Map.groupBy(actions, ({ id }) => id);
  return [...byId.values()].flatMap((same) =>
    same.length > 1 ? same.slice(0, 1).map(shared) : same,
  );
}

/** Networks that are missing. Throws {@link NetworkConflictError}. */
export function networkActions({ input }: Scene): readonly Action[] {
  const { stack, observed } = input;
  const outside = { name: stackNetwork(stack.name), stack: stack.name, internal: false };
  const inside = { name: internalNetwork(stack.name), stack: stack.name, internal: true };
  const wanted = hasInternalNetwork(stack) ? [outside, inside] : [outside];
  return wanted
    .filter(
      ({ name }) =>
        !isOurs(
          observed.networks.filter((network) => network.name === name),
          stack.name,
        ),
    )
    .map((network) => ({
      kind: "create-network",
      id: actionId("create-network", network.name),
      after: [],
      because: notThere,
      network,
    }));
}

/** Volumes that are missing. Throws {@link VolumeConflictError} and {@link VolumeMissingError}. */
export function volumeActions({ input, courses }: Scene): readonly Action[] {
  const declared = input.stack.volumes.flatMap((volume) => declaredVolume(volume, input));
  const own = [
    { name: gatewayVolume(input.stack.name), service: gatewayName },
    ...courses.filter(needsSeed).map(({ member }) => ({
      name: secretsVolume(input.stack.name, member.name),
      service: member.name,
    })),
  ];
  return [...declared, ...own.flatMap(({ name, service }) => ownVolume(name, service, input))];
}

/** What the user should know of the volumes: one with other settings is kept, for its data. */
export function volumeWarnings({ stack, observed }: UpInput): readonly string[] {
  return stack.volumes.flatMap(({ name, driver, external }) => {
    const there = observed.volumes.find((volume) => volume.name === name);
    if (!there || external || driver === undefined || driver === there.driver) return [];
    return [
      `volume ${name} keeps its driver ${there.driver} (${driver} is wanted): Nexus never recreates data`,
    ];
  });
}

/** Secrets are written anew for every container that is created. */
export function needsSeed({ member, next }: Course): boolean {
  const { service } = member;
  return next.existing === undefined && service !== undefined && hasSecrets(service);
}

function shared({ service: _service, ...action }: Action): Action {
  return action;
}

function imageAction({ member, next }: Course, input: UpInput): readonly Action[] {
  const { image, name } = member;
  const isNew = next.existing === undefined;
  const needed = isNew && input.observed.images[image.ref] === undefined;
  const base = { after: [], because: notThere, service: name, image: image.ref };
  if (image.kind === "gateway")
    return needed
      ? [{ ...base, kind: "build-gateway", id: actionId("build-gateway", image.ref) }]
      : [];
  if (image.kind === "build") {
    return needed
      ? [{ ...base, kind: "build", id: actionId("build", image.ref), build: image.build }]
      : [];
  }
  return pullAction({ name, isNew, needed }, image, input);
}

/** Why an image is to be pulled; undefined when it is not. */
function pullReason(
  { name, isNew, needed }: Need,
  { ref, pullPolicy }: Extract<ImageSource, { kind: "pull" }>,
  input: UpInput,
): string | undefined {
  if (pullPolicy === "never") {
    if (needed) throw new ImageNotPresentError(name, ref);
    return undefined;
  }
  if (needed) return notThere;
  const foreign = isNew ? foreignness(ref, input) : undefined;
  const isFetchedAnew = (input.pull ?? pullPolicy) === "always";
  return foreign ?? (isFetchedAnew ? "images are to be fetched anew" : undefined);
}

/** An image for another processor is what a refused pull leaves behind; undefined for any other. */
function foreignness(ref: string, { observed, engine }: UpInput): string | undefined {
  const { architecture = "" } = observed.images[ref] ?? {};
  if (architecture === "" || architecture === engine.architecture) return undefined;
  return `the one here is for ${architecture}, the engine runs ${engine.architecture}`;
}

type Need = Readonly<{ name: string; isNew: boolean; needed: boolean }>;

function pullAction(
  { name, isNew, needed }: Need,
  image: Extract<ImageSource, { kind: "pull" }>,
  input: UpInput,
): readonly Action[] {
  const because = pullReason({ name, isNew, needed }, image, input);
  if (because === undefined) return [];
  return [
    {
      kind: "pull",
      id: actionId("pull", image.ref),
      after: [],
      because,
      service: name,
      cost: { pullBytes: 0 },
      image: image.ref,
    },
  ];
}

function isOurs(networks: readonly ObservedNetwork[], stack: string): boolean {
  if (networks.some((network) => network.stack === stack)) return true;
  const [foreign] = networks;
  if (foreign) throw new NetworkConflictError(foreign);
  return false;
}

/** A volume that the stack file gives a name of its own may be another stack's: that is how stacks share models. */
function declaredVolume(
  { name, key, external, driver, driverOpts }: Volume,
  input: UpInput,
): readonly Action[] {
  const there = input.observed.volumes.find((volume) => volume.name === name);
  if (external && !there) throw new VolumeMissingError(name);
  const isNamed = name !== `${input.stack.name}_${key}`;
  if (external || (isNamed && there?.stack !== undefined)) return [];
  const request = { name, driverOpts, ...(driver !== undefined && { driver }) };
  return createVolume(request, there, input);
}

function ownVolume(name: string, service: string, input: UpInput): readonly Action[] {
  const there = input.observed.volumes.find((volume) => volume.name === name);
  return createVolume({ name, driverOpts: {} }, there, input).map((action) => ({
    ...action,
    service,
  }));
}

function createVolume(
  request: Omit<VolumeRequest, "stack" | "labels">,
  there: ObservedVolume | undefined,
  { stack }: UpInput,
): readonly Action[] {
  const owner = there && otherOwner(there, stack.name);
  if (there && owner !== undefined) throw new VolumeConflictError(there, owner);
  if (there) return [];
  const volume = { ...request, stack: stack.name, labels: {} };
  return [
    {
      kind: "create-volume",
      id: actionId("create-volume", volume.name),
      after: [],
      because: notThere,
      volume,
    },
  ];
}

/** A volume of the Compose project of the same name is taken over with its data: that is how people move. */
function otherOwner({ stack, labels }: ObservedVolume, own: string): string | undefined {
  if (stack !== undefined) return stack === own ? undefined : `stack ${stack}`;
  const project = labels["com.docker.compose.project"];
  return project === undefined || project === own ? undefined : `the Compose project ${project}`;
}
