/** The plan for `up`: from what the engine has to the stack that is wanted. Pure: no I/O, no clock. */
import { configHash } from "../gateway/config.ts";
import { certificateBecause } from "./certificate.ts";
import { unseenWarning } from "./clients.ts";
import { confirmActions, externalActions } from "./confirm.ts";
import { refuseConflicts } from "./conflicts.ts";
import type { Course } from "./course.ts";
import { gatewayGate } from "./gates.ts";
import { handOverActions, orphanActions, recoveryActions } from "./hand-over.ts";
import { lastLook } from "./last-look.ts";
import { launchActions } from "./launch.ts";
import { memberUpstream } from "./member.ts";
import { isBeyondUs } from "./misfit.ts";
import { configureId, firstKeyId, firstKeyName, gatewayName } from "./names.ts";
import { inOrder } from "./order.ts";
import type { Action, Plan, UpInput } from "./plan.ts";
import { gatewayStays, type Scene, setScene } from "./scene.ts";
import { serviceKeyActions } from "./service-keys.ts";
import { imageActions, networkActions, volumeActions, volumeWarnings } from "./shared-actions.ts";
import { tendActions } from "./tend.ts";

/**
 * Plans the actions that turn `observed` into `stack`; none when it is as wanted. Throws, before anything is done,
 * the errors of plan/errors.ts and plan/gpu-errors.ts when it cannot go well.
 */
export function planUp(input: UpInput): Plan {
  const scene = setScene(input);
  refuseConflicts(scene);
  const actions = inOrder([
    ...imageActions(scene),
    ...networkActions(scene),
    ...volumeActions(scene),
    ...scene.courses.slice(0, 1).flatMap((gateway) => memberActions(gateway, scene)),
    ...configureActions(scene),
    ...keyActions(scene),
    ...serviceKeyActions(scene),
    ...scene.courses.slice(1).flatMap((course) => memberActions(course, scene)),
    ...externalActions(scene),
    ...orphanActions(scene),
  ]);
  const busy = new Set(actions.map(({ service }) => service));
  return {
    stack: input.stack.name,
    actions,
    recoveries: recoveries(scene),
    lastLook: actions.length > 0 ? lastLook(scene) : [],
    unchanged: input.stack.services.map(({ name }) => name).filter((name) => !busy.has(name)),
    warnings: warnings(scene),
  };
}

function memberActions(course: Course, scene: Scene): readonly Action[] {
  return [
    ...launchActions(course, scene),
    ...confirmActions(course, scene),
    ...handOverActions(course, scene),
    ...tendActions(course),
  ];
}

/** Also where nothing changed but a replacement follows: what is switched is this configuration. */
function configureActions(scene: Scene): readonly Action[] {
  const because = configureBecause(scene);
  if (because === undefined) return [];
  const { tls } = scene.input.stack.gateway;
  return [
    {
      kind: "configure",
      id: configureId,
      after: [gatewayGate(scene)],
      because,
      service: gatewayName,
      config: scene.config,
      ...(tls && { certified: tls }),
    },
  ];
}

function keyActions(scene: Scene): readonly Action[] {
  const { gateway, stack } = scene.input;
  if (gateway.readiness && gateway.readiness.keys > 0) return [];
  return [
    {
      kind: "create-key",
      id: firstKeyId,
      after: [gatewayGate(scene)],
      because: "without a key it serves nobody",
      service: gatewayName,
      name: firstKeyName,
      folder: stack.directory,
    },
  ];
}

function configureBecause({ input, config, courses }: Scene): string | undefined {
  const { readiness } = input.gateway;
  if (!readiness || !gatewayStays(courses)) return "it has to know the services";
  const certificate = certificateBecause(config, readiness);
  if (certificate !== undefined) return certificate;
  if (readiness.config_hash !== configHash(config)) return "services, models or aliases changed";
  const switches = courses.some(
    ({ member, next, old }) => old && memberUpstream(member, next.name),
  );
  return switches ? "replacements are switched to from here" : undefined;
}

function recoveries(scene: Scene): Plan["recoveries"] {
  return Object.fromEntries(
    scene.courses.flatMap((course) => {
      const actions = recoveryActions(course, scene);
      return actions ? [[course.member.name, actions]] : [];
    }),
  );
}

function warnings({ input, courses, config }: Scene): readonly string[] {
  const unseen = unseenWarning(config.clients, input.gateway.readiness);
  return [
    ...courses.flatMap(memberWarnings),
    ...volumeWarnings(input),
    ...(unseen === undefined ? [] : [unseen]),
  ];
}

function memberWarnings({ member, next }: Course): readonly string[] {
  const { name, onCpu, service } = member;
  const ports = service && !service.egress && service.ports.length > 0;
  const beyond = next.existing && isBeyondUs(member, next.existing);
  return [
    ...(onCpu === undefined ? [] : [`${name} runs on the CPU: ${onCpu}`]),
    ...member.gpuWarnings,
    ...(ports ? [`${name} publishes no port: \`egress: false\` cuts those off, too`] : []),
    ...(beyond ? [`${next.name} was made by a newer Nexus and is left as it is`] : []),
  ];
}
