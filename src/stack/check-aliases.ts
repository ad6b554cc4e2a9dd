/** Whether the gateway's aliases lead somewhere. Pure. */
import { aliasIn, cycleFrom, declaredModels, type Names } from "./aliases.ts";
import { nearest } from "./nearest.ts";
import type { Path, Problem } from "./problem.ts";
import type { Joined, Readings } from "./resolve.ts";
import { type AliasSpec, conditionsOf, targetsOf } from "./schema/alias.ts";
import { problemIn } from "./source.ts";
import type { StackFile } from "./stack-file.ts";

type Known = Names & Readonly<{ services: ReadonlySet<string> }>;

/** An alias leads to `service/model`, to a model that some service declares, or alone to another alias, but never back to itself. */
export function aliasProblems(joined: Joined, readings: Readings): readonly Problem[] {
  const known = {
    aliases: joined.gateway.aliases ?? {},
    models: declaredModels(readings.members),
    services: new Set(readings.files.flatMap(({ serviceNames }) => serviceNames)),
  };
  return readings.files.flatMap((file) =>
    Object.entries(file.spec.gateway?.aliases ?? {}).flatMap(([name, spec]) => {
      const at = ["gateway", "aliases", name];
      return [
        ...nameProblems(name, { file, at }, known),
        ...listsIn(spec).flatMap(([steps, targets]) =>
          targetProblems(targets, { file, at: [...at, ...steps] }, known),
        ),
      ];
    }),
  );
}

type Spot = Readonly<{ file: StackFile; at: Path }>;

/** Every list of targets, and where it stands. */
function listsIn(spec: AliasSpec): readonly (readonly [Path, readonly string[]])[] {
  const conditions = conditionsOf(spec).map(
    ({ to }, index) => [["when", index, "to"], to] as const,
  );
  return [["to" in spec ? ["to"] : [], targetsOf(spec)], ...conditions];
}

/** A model that is asked for as `service/model` is looked for there, and nowhere else. */
function nameProblems(name: string, { file, at }: Spot, known: Known): readonly Problem[] {
  const [service = "", rest] = name.split(/\/(.*)/s);
  const cycle = cycleFrom(name, known);
  const hidden = `means a model of the service \`${service}\`: call the alias something else`;
  return [
    ...(rest !== undefined && known.services.has(service)
      ? [problemIn(file.source, at, hidden)]
      : []),
    ...(cycle ? [problemIn(file.source, at, `leads back to itself: ${cycle.join(" → ")}`)] : []),
  ];
}

function targetProblems(
  targets: readonly string[],
  { file, at }: Spot,
  known: Known,
): readonly Problem[] {
  if (aliasIn(targets, known) !== undefined) return [];
  return targets.flatMap((target, index) => {
    const problem = problemOf(target, known);
    if (problem === undefined) return [];
    const { message, suggestion } = problem;
    return [problemIn(file.source, [...at, index], message, { suggestion })];
  });
}

function problemOf(
  target: string,
  { aliases, models, services }: Known,
): Readonly<{ message: string; suggestion?: string | undefined }> | undefined {
  const [service = "", model] = target.split(/\/(.*)/s);
  if (models.has(target) || (services.has(service) && model)) return undefined;
  if (Object.hasOwn(aliases, target)) {
    return { message: `\`${target}\` is an alias, which has to stand alone.` };
  }
  if (model) {
    const message = `there is no service \`${service}\` to lead to.`;
    return { message, suggestion: nearest(service, services) };
  }
  const message = `\`${target}\` is no model that a service declares: write service/model.`;
  const names = new Set([...models, ...Object.keys(aliases)]);
  return { message, suggestion: nearest(target, names) };
}
