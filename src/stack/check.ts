/** What a schema cannot see: how the parts of a stack go together. Pure. */
import { aliasProblems } from "./check-aliases.ts";
import { dependencyProblems } from "./check-dependencies.ts";
import { portProblems } from "./check-ports.ts";
import { imageWarnings, serviceProblems } from "./check-service.ts";
import type { Member } from "./members.ts";
import { memberProblem } from "./members.ts";
import { nearest } from "./nearest.ts";
import type { Problem } from "./problem.ts";
import type { Joined, Readings } from "./resolve.ts";

/** What a check has found. */
export type Findings = Readonly<{ problems: readonly Problem[]; warnings: readonly string[] }>;

/** Checks every active service by itself and with those it depends on. */
export function checkMembers(active: readonly Member[], { members, files }: Readings): Findings {
  const named = new Set(files.flatMap(({ serviceNames }) => serviceNames));
  return {
    problems: [...active.flatMap(serviceProblems), ...dependencyProblems(active, members, named)],
    warnings: active.flatMap(imageWarnings),
  };
}

/** Checks what services share: names, ports, aliases, profiles and variables. */
export function checkStack(
  joined: Joined,
  active: readonly Member[],
  readings: Readings,
): Findings {
  return {
    problems: [
      ...nameProblems(joined.name, active),
      ...portProblems(joined.gateway, active, readings.files),
      ...aliasProblems(joined, readings),
    ],
    warnings: [...unsetWarnings(readings), ...profileWarnings(readings)],
  };
}

/** Container names are host names, which end at 63 characters. */
function nameProblems(stack: string, active: readonly Member[]): readonly Problem[] {
  const tooLong = active.filter(({ name }) => `${stack}-${name}-9999`.length > 63);
  return tooLong.map((member) =>
    memberProblem(
      member,
      [],
      `\`${stack}-${member.name}-…\` is too long for a host name: shorten the stack's name or the service's`,
    ),
  );
}

function unsetWarnings({ files }: Readings): readonly string[] {
  return files.flatMap(({ source, values }) =>
    values.unset.map(
      ({ name, path }) =>
        `${source.name}: the variable ${name} in ${path} is not set: it is empty. Write \${${name}:-default} to give it a value.`,
    ),
  );
}

function profileWarnings({ members, profiles }: Readings): readonly string[] {
  const known = new Set(members.flatMap(({ spec }) => spec.profiles ?? []));
  return profiles
    .filter((profile) => profile !== "*" && !known.has(profile))
    .map((profile) => {
      const meant = nearest(profile, known);
      return `No service has the profile ${profile}.${meant === undefined ? "" : ` Did you mean ${meant}?`}`;
    });
}
