/** What a plan does to the services that another one depends on: it may work no more when they are others. */
import type { Course } from "./course.ts";
import { readyGate, starts } from "./gates.ts";
import { isOneShot } from "./member.ts";
import { actionId } from "./names.ts";
import { aliasActions, idsOf } from "./networks.ts";
import type { Scene } from "./scene.ts";

/** What a service depends on, over any number of steps, as far as that is started or replaced. */
function upheavals(course: Course, scene: Scene): readonly Course[] {
  return dependencies(course, scene).filter((other) => starts(other) || other.old !== undefined);
}

/**
 * Ids of the actions after which everything is what it will be that a service which runs depends on; none where nothing
 * changes. One that starts waits before its start.
 */
export function upheavalGates(course: Course, scene: Scene): readonly string[] {
  if (starts(course) || upheavals(course, scene).length === 0) return [];
  return dependencies(course, scene).flatMap((other) => [
    readyGate(other.next.name),
    ...idsOf(aliasActions(other, scene)),
    actionId("switch", other.member.name),
    ...(other.old ? [actionId("stop", other.old.name)] : []),
  ]);
}

/** Why a service that stays as it is has to be looked at again; undefined when nothing that it needs changes. */
export function upheavalBecause(course: Course, scene: Scene): string | undefined {
  const [first] = isOneShot(course.member) ? [] : upheavals(course, scene);
  if (!first) return undefined;
  return `it depends on ${first.member.name}, which is ${first.old ? "replaced" : "started"}`;
}

function dependencies(course: Course, { courses }: Scene): readonly Course[] {
  const found = new Set<Course>();
  const visit = ({ member }: Course): void => {
    for (const { service } of member.service?.dependsOn ?? []) {
      const other = courses.find((each) => each.member.name === service);
      if (!other || found.has(other)) continue;
      found.add(other);
      visit(other);
    }
  };
  visit(course);
  return [...found];
}
