/** Finds the ancestor's project through the containers that Compose made of it, whether they run or not. Pure. */
import type { ForeignContainer } from "../../engine/engine.ts";
import { exitCodes, NexusError } from "../../errors.ts";

/** More than one project of the ancestor's has containers on the engine. */
export class SeveralProjectsError extends NexusError {
  readonly code = "NEXUS_SEVERAL_PROJECTS";
  readonly exitCode = exitCodes.usage;
  readonly remedy: string;
  override readonly details: Readonly<{ directories: readonly string[] }>;

  constructor(projects: readonly (readonly string[])[], directories: readonly string[]) {
    super(`The engine has containers of several projects: ${directories.join(", ")}.`);
    const commands = projects.map(
      (files) =>
        `\`nexus migrate --from nexus-compose ${files.map((file) => `--source ${word(file)}`).join(" ")}\``,
    );
    this.remedy = `Name one of them: ${commands.join(" or ")}.`;
    this.details = { directories };
  }
}

/** The files of the one project of the ancestor's that has containers, its gateway's first; undefined where there is none. Throws {@link SeveralProjectsError}. */
export function projectOnEngine(
  containers: readonly ForeignContainer[],
): readonly string[] | undefined {
  const all = containers.filter(isAncestor).flatMap(({ compose }) => compose ?? []);
  const directories = [...new Set(all.map(({ directory }) => directory))].toSorted();
  const projects = directories.map((directory) =>
    filesOf(all.filter((each) => each.directory === directory)),
  );
  if (projects.length > 1) throw new SeveralProjectsError(projects, directories);
  return projects[0];
}

/** Whether Compose made a container of the ancestor's files: those name it themselves, and Compose would have put a number behind. */
export function isAncestor({ name, compose }: ForeignContainer): boolean {
  return compose !== undefined && name === `nexus-${compose.service}`;
}

type Member = NonNullable<ForeignContainer["compose"]>;

/** Each was started with files of its own: all of them are the project. */
function filesOf(members: readonly Member[]): readonly string[] {
  const ordered = members.toSorted((a, b) => rank(a) - rank(b));
  const files = new Set(ordered.flatMap(({ files: named }) => named));
  return files.size > 0 ? [...files] : members.slice(0, 1).map(({ directory }) => directory);
}

function rank({ service }: Member): number {
  return service === "gateway" ? 0 : 1;
}

/** As a shell takes it. */
const word = (path: string) =>
  /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
