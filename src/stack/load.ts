/** Reads a stack: the stack file, what it includes and names, resolved and checked. */
import { homedir } from "node:os";
import { dirname } from "node:path";
import { type Catalog, readCatalog, templateIds } from "../catalog/catalog.ts";
import type { Choice } from "../catalog/choose-variant.ts";
import type { Machine } from "../catalog/machine.ts";
import { InvalidStackError } from "./errors.ts";
import { gather } from "./gather.ts";
import { joinMembers } from "./members.ts";
import { type Origin, traceOrigins } from "./origins.ts";
import type { Problem } from "./problem.ts";
import {
  displayName,
  type Environment,
  findStackFile,
  readStackFiles,
  readVariables,
} from "./read-files.ts";
import { activeMembers, type Readings, resolveStack } from "./resolve.ts";
import { type StackFile, withoutValues } from "./stack-file.ts";
import type { Stack } from "./stack.ts";

/** Where a stack is looked for and what it is completed with. */
export type LoadOptions = Readonly<{
  /** The stack file; without it the first one in `cwd` or above. */
  file?: string;
  cwd: string;
  profiles?: readonly string[];
  environment: Environment;
  /**
   * What variants of templates are chosen for; asked only when one is used that has any. `facts` when the choice
   * depends on more of a GPU than its vendor. Without it, a machine without GPUs.
   */
  machine?: (need: Readonly<{ facts: boolean }>) => Promise<Machine>;
  /** Folder of templates; the package's own by default. */
  templates?: string;
}>;

/** A stack that is valid, where each of its values came from, and what is worth a second look. */
export type LoadedStack = Readonly<{
  stack: Stack;
  origins: readonly Origin[];
  /** How the variant of every service from a template was chosen. */
  choices: readonly ServiceChoice[];
  warnings: readonly string[];
}>;

/** A service, its template, and the variant that was chosen for it. */
export type ServiceChoice = Readonly<{ service: string; template: string; choice: Choice }>;

/** Loads a stack. Throws {@link InvalidStackError} with every problem at once, or StackNotFoundError. */
export async function loadStack(options: LoadOptions): Promise<LoadedStack> {
  const path = await findStackFile(options.cwd, options.file);
  const { readings, problems } = await readAll(path, options);
  const { stack, problems: found, warnings } = resolveStack(readings);
  const all = sorted([...problems, ...found], readings);
  if (all.length > 0) throw new InvalidStackError(displayName(options.cwd, path), all);
  return { stack, origins: traceOrigins(readings, stack), choices: choicesOf(readings), warnings };
}

async function readAll(
  path: string,
  { cwd, environment, profiles = [], machine: findOut, templates }: LoadOptions,
): Promise<Readonly<{ readings: Readings; problems: readonly Problem[] }>> {
  const directory = dirname(path);
  const variables = await readVariables(directory, environment);
  const { files, problems } = await readStackFiles(path, cwd, variables);
  const used = usedTemplates(files);
  const catalog = used.length > 0 ? await readCatalog(templates, used) : [];
  const ids = catalog.length < used.length ? await templateIds(templates) : [];
  const facts = catalog.some(needsFacts) || namesGpus(files);
  const machine = usesVariants(catalog) ? await findOut?.({ facts }) : undefined;
  const joined = joinMembers(files, {
    catalog,
    ids,
    machine: machine ?? bareMachine,
    home: environment["HOME"] ?? homedir(),
  });
  const active = activeMembers({ members: joined.members, profiles });
  const gathered = await Promise.all(
    active.map(async (member) => [member.name, await gather(member, variables)] as const),
  );
  const readings = {
    path,
    directory,
    files,
    members: joined.members,
    gathered: new Map(gathered),
    profiles,
    variables,
  };
  return {
    readings,
    problems: [...problems, ...joined.problems, ...gathered.flatMap(([, part]) => part.problems)],
  };
}

/** What is assumed where no engine can be asked. */
const bareMachine: Machine = { architecture: "amd64", gpus: [] };

function choicesOf(readings: Readings): readonly ServiceChoice[] {
  return activeMembers(readings).flatMap(({ name, template }) =>
    template ? [{ service: name, template: template.id, choice: template.choice }] : [],
  );
}

/** The templates that some service names, each once. */
function usedTemplates(files: readonly StackFile[]): readonly string[] {
  const named = files.flatMap(({ services }) =>
    [...services.values()].map(({ template }) => template),
  );
  return [...new Set(named.filter((template) => template !== undefined))];
}

function usesVariants(catalog: Catalog): boolean {
  return catalog.some(({ variants }) => variants.length > 0);
}

function needsFacts({ variants }: Catalog[number]): boolean {
  return variants.some(({ when: { compute, driver, vram } }) =>
    [compute, driver, vram].some((range) => range !== undefined),
  );
}

/** GPUs that are asked for by name can only be found among those whose names are known. */
function namesGpus(files: readonly StackFile[]): boolean {
  return files.some(({ services }) =>
    [...services.values()].some(({ gpus }) => Array.isArray(gpus)),
  );
}

/** By file, as they were read, then by place; each once, and without the values of variables. */
function sorted(problems: readonly Problem[], { files, variables }: Readings): readonly Problem[] {
  const byName = new Map(files.map((file, index) => [file.source.name, { file, index }]));
  const safe = problems.map((problem) => {
    const from = byName.get(problem.file);
    return from ? withoutValues(problem, from.file, variables) : problem;
  });
  const rank = ({ file }: Problem): number => byName.get(file)?.index ?? 0;
  const unique = new Map(safe.map((problem) => [JSON.stringify(problem), problem]));
  return [...unique.values()].toSorted(
    (left, right) =>
      rank(left) - rank(right) || left.line - right.line || left.column - right.column,
  );
}
