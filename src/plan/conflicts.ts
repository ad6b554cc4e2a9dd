/** Refuses what cannot go well, before anything is done. */
import type { PortBinding } from "../stack/stack.ts";
import { NameConflictError, PortConflictError, PortSharedError } from "./errors.ts";
import { starts } from "./gates.ts";
import type { Member } from "./member.ts";
import { samePort } from "./overlap.ts";
import type { Scene } from "./scene.ts";

/** Throws {@link NameConflictError}, {@link PortConflictError} or {@link PortSharedError}. */
export function refuseConflicts(scene: Scene): void {
  refuseSharedPorts(scene.courses.map(({ member }) => member));
  for (const course of scene.courses.filter(starts)) {
    const { member, next } = course;
    if (!next.existing) refuseTakenName(next.name, scene);
    for (const port of member.blueprint.ports) refuseTakenPort(member.name, port, scene);
  }
}

function refuseSharedPorts(members: readonly Member[]): void {
  const wanted = members.flatMap(({ name, blueprint }) =>
    blueprint.ports.map((port) => ({ name, port })),
  );
  for (const [index, first] of wanted.entries()) {
    const second = wanted.slice(index + 1).find(({ port }) => samePort(port, first.port));
    if (second) throw new PortSharedError(first.name, second.name, second.port);
  }
}

function refuseTakenName(name: string, { input }: Scene): void {
  const holder = input.observed.foreign.find((container) => container.name === name);
  if (holder) throw new NameConflictError(name, holder);
}

/** Port 0 lets the engine choose. */
function refuseTakenPort(service: string, port: PortBinding, { input }: Scene): void {
  const holder = input.observed.foreign.find(
    ({ running, ports }) =>
      running && port.hostPort !== 0 && ports.some((held) => samePort(held, port)),
  );
  if (holder) throw new PortConflictError(service, port, holder);
}
