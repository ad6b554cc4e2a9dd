/** Reads what services name on disk: files of environment variables and build contexts. */
import { stat } from "node:fs/promises";
import { join, posix, relative } from "node:path";
import { hashBuild } from "./build-context.ts";
import { parseEnvFile } from "./dotenv.ts";
import type { Variable, Variables } from "./interpolate.ts";
import { type Member, memberProblem } from "./members.ts";
import type { Problem } from "./problem.ts";
import { readIfThere } from "./read-files.ts";
import type { BuildSource } from "./stack.ts";

/** What was read for a service. */
export type Gathered = Readonly<{
  /** From its env files, the last file winning. */
  environment: ReadonlyMap<string, Variable>;
  build?: BuildSource;
  problems: readonly Problem[];
}>;

/** Reads a service's env files and hashes its build context; what is missing is a problem, not an error. */
export async function gather(member: Member, variables: Variables): Promise<Gathered> {
  const [files, built] = await Promise.all([
    readEnvFiles(member, variables),
    readBuild(member, variables),
  ]);
  return {
    environment: files.environment,
    ...("build" in built ? { build: built.build } : {}),
    problems: [...files.problems, ...built.problems],
  };
}

async function readEnvFiles(
  member: Member,
  variables: Variables,
): Promise<Omit<Gathered, "build">> {
  const environment = new Map<string, Variable>();
  const problems: Problem[] = [];
  for (const { path, required } of member.spec.env_file ?? []) {
    const shown = relative(member.file.source.directory, path);
    const text = await readIfThere(path);
    if (text === undefined) {
      if (required)
        problems.push(
          memberProblem(
            member,
            ["env_file"],
            `there is no file ${shown}; \`required: false\` goes on without it`,
          ),
        );
      continue;
    }
    const read = parseEnvFile(text, variables);
    problems.push(
      ...read.problems.map(({ line, message }) =>
        memberProblem(member, ["env_file"], `${shown}:${line} ${message}`),
      ),
    );
    for (const { name, value, line } of read.entries) {
      const found = value === undefined ? variables.get(name) : { value, from: `${shown}:${line}` };
      if (found) environment.set(name, found);
    }
  }
  return { environment, problems };
}

type Built = Readonly<{ build?: BuildSource; problems: readonly Problem[] }>;

async function readBuild(member: Member, variables: Variables): Promise<Built> {
  const { build } = member.spec;
  if (!build || member.spec.image !== undefined) return { problems: [] };
  const dockerfile = posix.normalize(build.dockerfile ?? "Dockerfile");
  const problem = await contextProblem(member, build.context, dockerfile);
  if (problem) return { problems: [problem] };
  const source = {
    context: build.context,
    dockerfile,
    args: resolveArgs(build.args, variables),
    ...(build.target === undefined ? {} : { target: build.target }),
  };
  return { build: { ...source, contentHash: await hashBuild(source) }, problems: [] };
}

async function contextProblem(
  member: Member,
  context: string,
  dockerfile: string,
): Promise<Problem | undefined> {
  const shown = relative(member.file.source.directory, context) || ".";
  const folder = await stat(context).catch(() => undefined);
  if (!folder?.isDirectory())
    return memberProblem(member, ["build"], `there is no folder ${shown}`);
  if (dockerfile.startsWith("..") || dockerfile.startsWith("/")) {
    return memberProblem(member, ["build", "dockerfile"], "must lie inside the context");
  }
  const file = await stat(join(context, dockerfile)).catch(() => undefined);
  return file?.isFile()
    ? undefined
    : memberProblem(member, ["build"], `there is no ${dockerfile} in ${shown}`);
}

/** An argument without a value is taken from the environment, as Compose does. */
function resolveArgs(
  args: Readonly<Record<string, string | null>> = {},
  variables: Variables,
): Readonly<Record<string, string>> {
  const pairs = Object.entries(args).flatMap(([name, given]): readonly [string, string][] => {
    const value = given ?? variables.get(name)?.value;
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(pairs);
}
