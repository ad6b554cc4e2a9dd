/** The last look of an `up` that did something: every service that is asked over HTTP, also those left alone. */
import { externalUpstream } from "./gateway-config.ts";
import { isProbed, readyGate } from "./gates.ts";
import { awaitTarget } from "./member.ts";
import { actionId } from "./names.ts";
import type { Action, AwaitTarget } from "./plan.ts";
import type { Scene } from "./scene.ts";

type Wait = Extract<Action, { kind: "await" }>;

/** One wait for every service, to be carried out once everything else is done; what was proven is not proven again. */
export function lastLook(scene: Scene): readonly Wait[] {
  const { courses, input } = scene;
  const inside = courses.flatMap(({ member, next }) =>
    member.service && isProbed(member)
      ? [lookAt(member.name, awaitTarget(member, next.name), next.name)]
      : [],
  );
  const outside = input.stack.services.flatMap((service) =>
    service.kind === "external" && service.ready !== "running"
      ? [
          lookAt(service.name, {
            level: service.ready,
            upstream: externalUpstream(service),
            stallTimeoutMs: service.stallTimeoutMs,
            stableMs: 0,
            oneShot: false,
          }),
        ]
      : [],
  );
  return [...inside, ...outside];
}

function lookAt(service: string, target: AwaitTarget, container?: string): Wait {
  const { gpuCheck: _, ...rest } = target;
  return {
    kind: "await",
    id: actionId("last-look", readyGate(container ?? service)),
    after: [],
    because: "nothing that was done may have harmed it",
    service,
    ...(container !== undefined && { container }),
    target: { ...rest, level: target.level === "proven" ? "ready" : target.level, stableMs: 0 },
  };
}
