/** Finds the stack file, its variables and the files it includes. */
import { readFile, realpath, stat } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { parseEnvFile } from "./dotenv.ts";
import { StackNotFoundError } from "./errors.ts";
import type { Variable, Variables } from "./interpolate.ts";
import type { Problem } from "./problem.ts";
import { parseSource, problemIn } from "./source.ts";
import { readStackFile, type StackFile } from "./stack-file.ts";

/** The environment of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The stack file named, or the first `nexus.yaml` or `nexus.yml` in `cwd` and above. Throws {@link StackNotFoundError}. */
export async function findStackFile(cwd: string, file?: string): Promise<string> {
  if (file !== undefined) {
    const named = resolve(cwd, file);
    if (await exists(named)) return named;
    throw new StackNotFoundError(named, true);
  }
  for (const folder of foldersUp(cwd)) {
    for (const name of ["nexus.yaml", "nexus.yml"]) {
      const candidate = join(folder, name);
      if (await exists(candidate)) return candidate;
    }
  }
  throw new StackNotFoundError(cwd, false);
}

/** The process's environment over the `.env` beside the stack file. */
export async function readVariables(
  directory: string,
  environment: Environment,
): Promise<Variables> {
  const own = new Map<string, Variable>();
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined) own.set(name, { value, from: `environment ${name}` });
  }
  const all = new Map<string, Variable>();
  const text = await readIfThere(join(directory, ".env"));
  for (const { name, value, line } of parseEnvFile(text ?? "", own).entries) {
    if (value !== undefined) all.set(name, { value, from: `.env:${line} ${name}` });
  }
  return new Map([...all, ...own]);
}

/** Reads a stack file after the files it includes, each once, in the order in which they count: the last wins. */
export async function readStackFiles(
  file: string,
  cwd: string,
  variables: Variables,
): Promise<Readonly<{ files: readonly StackFile[]; problems: readonly Problem[] }>> {
  const reader = new Reader(cwd, variables);
  await reader.read(file, []);
  return { files: reader.files, problems: reader.problems };
}

class Reader {
  readonly files: StackFile[] = [];
  readonly problems: Problem[] = [];
  readonly #seen = new Set<string>();
  readonly #cwd: string;
  readonly #variables: Variables;

  constructor(cwd: string, variables: Variables) {
    this.#cwd = cwd;
    this.#variables = variables;
  }

  /** `chain` holds the files that led here, the first one first. */
  async read(path: string, chain: readonly string[]): Promise<void> {
    this.#seen.add(await realpath(path));
    const name = displayName(this.#cwd, path);
    const source = parseSource({
      name,
      directory: dirname(path),
      text: await readFile(path, "utf8"),
    });
    const file = readStackFile(source, this.#variables);
    this.problems.push(...file.problems);
    for (const [index, included] of (file.spec.include ?? []).entries()) {
      await this.#include(file, index, [resolve(source.directory, included), [...chain, path]]);
    }
    this.files.push(file);
  }

  async #include(
    file: StackFile,
    index: number,
    [path, chain]: [string, readonly string[]],
  ): Promise<void> {
    const at = ["include", index];
    if (!(await exists(path))) {
      this.problems.push(
        problemIn(file.source, at, `there is no file ${displayName(this.#cwd, path)}`),
      );
    } else if (chain.includes(path)) {
      const circle = [...chain.slice(chain.indexOf(path)), path].map((step) =>
        displayName(this.#cwd, step),
      );
      this.problems.push(
        problemIn(file.source, at, `includes go round in a circle: ${circle.join(" → ")}`),
      );
    } else if (!this.#seen.has(await realpath(path))) await this.read(path, chain);
  }
}

/** A file as messages call it: relative to where the user stands, or absolute where that is shorter. */
export function displayName(cwd: string, path: string): string {
  const near = relative(cwd, path);
  return near !== "" && near.length < path.length ? near : path;
}

/** The text of a file, or undefined when there is none. */
export async function readIfThere(path: string): Promise<string | undefined> {
  return (await exists(path)) ? await readFile(path, "utf8") : undefined;
}

async function exists(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ?? false;
}

function foldersUp(from: string): readonly string[] {
  const parent = dirname(from);
  return parent === from ? [from] : [from, ...foldersUp(parent)];
}
