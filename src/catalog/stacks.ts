/** The ready-made stacks that come with Nexus. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { packageRoot } from "./catalog.ts";
import { UnknownStackError } from "./errors.ts";

/** A ready-made stack: its id, what it is in a sentence, and its stack file's text. */
export type ReadyMadeStack = Readonly<{ id: string; description: string; text: string }>;

/** Every ready-made stack, `default` first. */
export async function readStacks(directory?: string): Promise<readonly ReadyMadeStack[]> {
  const root = directory ?? join(await packageRoot(), "stacks");
  const folders = (await readdir(root, { withFileTypes: true })).filter((entry) =>
    entry.isDirectory(),
  );
  const stacks = await Promise.all(
    folders.map(async ({ name: id }) => {
      const text = await readFile(join(root, id, "nexus.yaml"), "utf8");
      return { id, description: describe(text), text };
    }),
  );
  return stacks.toSorted(
    (left, right) => rank(left.id) - rank(right.id) || left.id.localeCompare(right.id),
  );
}

/**
 * The text of a stack file to start with. It is called after `name` where one is given, and editors find its schema at
 * `schema`, a path or URL. Throws {@link UnknownStackError}.
 */
export async function newStackFile(
  id: string,
  options: Readonly<{ name?: string; schema?: string; directory?: string }> = {},
): Promise<string> {
  const stacks = await readStacks(options.directory);
  const found = stacks.find((stack) => stack.id === id);
  if (!found)
    throw new UnknownStackError(
      id,
      stacks.map((stack) => stack.id),
    );
  const named =
    options.name === undefined
      ? found.text
      : found.text.replace(/^name: .*$/m, `name: ${options.name}`);
  const [first = "", ...rest] = named.split("\n");
  if (!first.startsWith("# yaml-language-server:")) return named;
  if (options.schema === undefined) return rest.join("\n").replace(/^#\n/, "");
  return [`# yaml-language-server: $schema=${options.schema}`, ...rest].join("\n");
}

function rank(id: string): number {
  return id === "default" ? 0 : 1;
}

/** The first sentence of the comment that a stack file begins with. */
function describe(text: string): string {
  const comments = text
    .split("\n")
    .filter((line) => line.startsWith("# ") && !line.startsWith("# yaml-language-server"));
  return /^[^.]*\./.exec(comments.map((line) => line.slice(2)).join(" "))?.[0] ?? "";
}
