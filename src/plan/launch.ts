/** Brings a member's next container into being and starts it. */
import type { Course } from "./course.ts";
import { hashRequest } from "./config-hash.ts";
import { requestOf } from "./container-request.ts";
import { dependencyGates, starts } from "./gates.ts";
import { actionId, secretsVolume } from "./names.ts";
import { firstAliases, idsOf, joinActions } from "./networks.ts";
import type { Action } from "./plan.ts";
import { heirs, predecessors, type Scene, stopsFirst } from "./scene.ts";
import { grantKeyId, secretFilesOf } from "./service-keys.ts";
import { needsSeed } from "./shared-actions.ts";

/** Seeds secrets, creates, connects, makes room and starts: whatever of it is needed. */
export function launchActions(course: Course, scene: Scene): readonly Action[] {
  return [
    ...seedAction(course, scene),
    ...createAction(course, scene),
    ...joinActions(course, scene),
    ...makeRoom(course, scene),
    ...startActions(course, scene),
  ];
}

function seedAction(course: Course, { input }: Scene): readonly Action[] {
  const { service, image } = course.member;
  if (!service || !needsSeed(course)) return [];
  const volume = secretsVolume(input.stack.name, service.name);
  return [
    {
      kind: "seed-secrets",
      id: actionId("seed-secrets", volume),
      after: [
        ...imageGates(image.ref),
        actionId("create-volume", volume),
        actionId("remove", `${volume}-carrier`),
        grantKeyId(service.name),
      ],
      because: "secrets are written before the container is created",
      service: service.name,
      volume,
      image: image.ref,
      ...(service.user !== undefined && { user: service.user }),
      secrets: secretFilesOf(service),
    },
  ];
}

function createAction(course: Course, scene: Scene): readonly Action[] {
  const { member, next } = course;
  const { stack, version } = scene.input;
  if (next.existing) return [];
  const { blueprint, contents, role, gpuNote } = member;
  const configHash = hashRequest(blueprint, contents);
  const identity = {
    stack: stack.name,
    service: member.name,
    role,
    generation: next.generation,
    configHash,
    version,
  };
  const aliases = firstAliases(course, scene);
  return [
    {
      kind: "create",
      id: actionId("create", next.name),
      after: [
        ...imageGates(member.image.ref),
        ...mountGates(course, stack.name),
        actionId("create-network", blueprint.network.name),
      ],
      because: becauseOf(course),
      service: member.name,
      container: requestOf(blueprint, {
        name: next.name,
        identity,
        aliases,
        ...(gpuNote && { gpuNote }),
      }),
    },
  ];
}

/** Stops the old container where both cannot run; what can go wrong before has gone well by then. */
function makeRoom(course: Course, scene: Scene): readonly Action[] {
  const { member, next, old } = course;
  const reason = stopsFirst(course, scene);
  if (!old || reason === undefined) return [];
  const hurries = heirs({ container: old, course }, scene).length > 0;
  return [
    {
      kind: "stop",
      id: actionId("stop", old.name),
      after: [
        actionId("create", next.name),
        ...idsOf(joinActions(course, scene)),
        ...(hurries ? [] : dependencyGates(member, scene)),
      ],
      because: `${next.name} replaces it, and ${reason}`,
      service: member.name,
      cost: { downtime: true, cutsStreams: true },
      container: old.name,
      graceMs: member.blueprint.stopGraceMs,
    },
  ];
}

function startActions(course: Course, scene: Scene): readonly Action[] {
  const { member, next } = course;
  if (!starts(course)) return [];
  const base = { service: member.name, because: becauseOf(course), container: next.name };
  const paused = next.existing?.state === "paused";
  const stop = {
    ...base,
    kind: "stop",
    id: actionId("stop", next.name),
    after: [],
    graceMs: member.blueprint.stopGraceMs,
  } as const;
  return [
    ...(paused ? [stop] : []),
    { ...base, kind: "start", id: actionId("start", next.name), after: startGates(course, scene) },
  ];
}

function startGates(course: Course, scene: Scene): readonly string[] {
  const { member, next, old } = course;
  const leaving = [
    ...predecessors(course, scene),
    ...(old && stopsFirst(course, scene) !== undefined ? [old] : []),
  ];
  return [
    actionId("create", next.name),
    actionId("stop", next.name),
    grantKeyId(member.name),
    actionId("update", next.name, "limits"),
    ...member.networks.map((network) => actionId("create-network", network)),
    ...idsOf(joinActions(course, scene)),
    ...leaving.map(({ name }) => actionId("stop", name)),
    ...dependencyGates(member, scene),
  ];
}

function imageGates(ref: string): readonly string[] {
  return ["pull", "build", "build-gateway"].map((kind) => actionId(kind, ref));
}

function mountGates({ member }: Course, stack: string): readonly string[] {
  const volumes = member.blueprint.mounts.flatMap((mount) =>
    mount.kind === "volume" ? [mount.source] : [],
  );
  return [
    ...volumes.map((name) => actionId("create-volume", name)),
    actionId("seed-secrets", secretsVolume(stack, member.name)),
  ];
}

function becauseOf({ because = "it is wanted", member }: Course): string {
  return member.onCpu === undefined || because.includes(member.onCpu)
    ? because
    : `${because}; on the CPU: ${member.onCpu}`;
}
