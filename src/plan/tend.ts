/** Changes what can change while a container runs: limits, and the restart policy once it is ready. */
import type { Limits, RestartPolicy } from "../stack/stack.ts";
import type { Course } from "./course.ts";
import { readyGate } from "./gates.ts";
import { actionId } from "./names.ts";
import type { Action } from "./plan.ts";

/** Updates a member's next container in place. */
export function tendActions(course: Course): readonly Action[] {
  return [...limitsAction(course), ...restartAction(course)];
}

function limitsAction({ member, next }: Course): readonly Action[] {
  const { limits } = member.blueprint;
  if (!next.existing) return [];
  const because = limitsChange(next.existing.limits, limits);
  if (because === undefined) return [];
  return [
    {
      kind: "update",
      id: actionId("update", next.name, "limits"),
      after: [],
      because,
      service: member.name,
      container: next.name,
      limits,
    },
  ];
}

/** A container is created to stay down when it falls, so that a crash during `up` is seen. */
function restartAction({ member, next }: Course): readonly Action[] {
  const { restart } = member.blueprint;
  if (sameRestart(next.existing?.restart ?? { name: "no" }, restart)) return [];
  return [
    {
      kind: "update",
      id: actionId("update", next.name, "restart"),
      after: [actionId("start", next.name), readyGate(next.name), actionId("switch", member.name)],
      because: `restart policy ${restart.name} from now on`,
      service: member.name,
      container: next.name,
      restart,
    },
  ];
}

const limitNames = { memoryBytes: "memory", cpus: "cpus", pids: "pids" } as const;

function limitsChange(before: Limits, after: Limits): string | undefined {
  const keys = ["memoryBytes", "cpus", "pids"] as const;
  const changed = keys.filter((key) => after[key] !== undefined && before[key] !== after[key]);
  if (changed.length === 0) return undefined;
  return changed
    .map((key) => `${limitNames[key]} ${amount(key, before[key])} → ${amount(key, after[key])}`)
    .join(", ");
}

function amount(key: keyof Limits, value: number | undefined): string {
  if (value === undefined) return "unlimited";
  return key === "memoryBytes" ? `${Number((value / 1024 ** 2).toFixed(1))} MiB` : String(value);
}

function sameRestart(a: RestartPolicy, b: RestartPolicy): boolean {
  return (
    a.name === b.name &&
    (a.name !== "on-failure" || (a.maximumRetryCount ?? 0) === (b.maximumRetryCount ?? 0))
  );
}
