/** Ids of the actions that others wait for. Edges to actions that a plan does not need are dropped in the end. */
import { type Course, isUp } from "./course.ts";
import { isOneShot, type Member, memberUpstream } from "./member.ts";
import { actionId, gatewayName } from "./names.ts";
import type { Scene } from "./scene.ts";

/** Done once the container serves at its level. */
export function readyGate(container: string): string {
  return actionId("await", container);
}

/** Done once the gateway answers, so that it can be asked to probe. */
export function gatewayGate({ courses }: Scene): string {
  const gateway = courses.find(({ member }) => member.name === gatewayName);
  return readyGate(gateway?.next.name ?? gatewayName);
}

/** What has to be done before a service that depends on others may start. */
export function dependencyGates({ service }: Member, scene: Scene): readonly string[] {
  return (service?.dependsOn ?? []).map(({ service: dependency, condition }) => {
    const name =
      scene.courses.find(({ member }) => member.name === dependency)?.next.name ?? dependency;
    return condition === "started" ? actionId("start", name) : readyGate(name);
  });
}

/** Whether a course has to start its container. */
export function starts({ member, next }: Course): boolean {
  return !next.existing || !isUp(member, next.existing);
}

/** Whether the level of a member is asked of it over HTTP. */
export function isProbed(member: Member): boolean {
  return (
    member.level !== "running" && !isOneShot(member) && memberUpstream(member, "any") !== undefined
  );
}
