/** Whether services that depend on each other can be started in some order. Pure. */
import { type Member, memberProblem } from "./members.ts";
import { nearest } from "./nearest.ts";
import type { Problem } from "./problem.ts";
import { isJob } from "./resolve-service.ts";

/** Every dependency that is missing, left out by a profile, part of a circle, or waited for in vain. */
export function dependencyProblems(
  active: readonly Member[],
  members: readonly Member[],
  named: ReadonlySet<string>,
): readonly Problem[] {
  const byName = new Map(active.map((member) => [member.name, member]));
  const broken = new Set(
    [...named].filter((name) => !members.some((member) => member.name === name)),
  );
  const single = active.flatMap((member) =>
    Object.entries(member.spec.depends_on ?? {}).flatMap(([target, { condition, required }]) => {
      const found = byName.get(target);
      if (found)
        return condition === "service_completed_successfully"
          ? completionProblems(member, found)
          : [];
      return required === false || broken.has(target)
        ? []
        : [missing(member, target, members, named)];
    }),
  );
  return [...single, ...circleProblems(active, byName)];
}

function missing(
  member: Member,
  target: string,
  members: readonly Member[],
  named: ReadonlySet<string>,
): Problem {
  const inactive = members.find(({ name }) => name === target);
  if (inactive) {
    const profile = (inactive.spec.profiles ?? []).join(" or ");
    return memberProblem(
      member,
      ["depends_on", target],
      `\`${target}\` only belongs to the profile ${profile}: add \`--profile ${profile}\``,
    );
  }
  const meant = nearest(target, named);
  const problem = memberProblem(
    member,
    ["depends_on", target],
    `there is no service \`${target}\`.`,
  );
  return meant === undefined ? problem : { ...problem, suggestion: meant };
}

function completionProblems(member: Member, target: Member): readonly Problem[] {
  if (isJob(target.spec)) return [];
  const message = `\`${target.name}\` never completes: a job has no \`port\`, and \`restart: "no"\``;
  return [memberProblem(member, ["depends_on", target.name], message)];
}

/** One problem for each circle, told at the service of it that stands first. */
function circleProblems(
  active: readonly Member[],
  byName: ReadonlyMap<string, Member>,
): readonly Problem[] {
  const done = new Set<string>();
  const problems: Problem[] = [];
  const visit = (member: Member, path: readonly string[]): void => {
    const start = path.indexOf(member.name);
    if (start !== -1) {
      const circle = [...path.slice(start), member.name].join(" → ");
      problems.push(
        memberProblem(
          byName.get(path[start] ?? "") ?? member,
          ["depends_on"],
          `goes round in a circle: ${circle}`,
        ),
      );
      return;
    }
    if (done.has(member.name)) return;
    for (const target of Object.keys(member.spec.depends_on ?? {})) {
      const next = byName.get(target);
      if (next) visit(next, [...path, member.name]);
    }
    done.add(member.name);
  };
  for (const member of active) visit(member, []);
  return problems;
}
