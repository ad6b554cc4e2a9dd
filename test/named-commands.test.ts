import { readFileSync } from "node:fs";
import { glob } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Every command that is there: the files of `src/commands`, and oclif's own help. */
async function commandsThere(): Promise<ReadonlySet<string>> {
  const files = await Array.fromAsync(glob("**/*.ts", { cwd: `${root}src/commands` }));
  return new Set(["help", ...files.map((file) => file.replace(/\.ts$/, "").replaceAll("/", " "))]);
}

/** What follows `nexus` where it is written as code, as far as it can be a command's name. */
function commandsNamed(text: string): readonly string[] {
  const written = text.matchAll(/(?:`|\$ |\bnpx |^)nexus ((?:[a-z]+ ?){1,2})/gm);
  return [...written].map(([, words = ""]) => words.trim());
}

test("every command that messages, descriptions and documents name is there", async () => {
  const there = await commandsThere();
  const topics = new Set([...there].flatMap((name) => name.split(" ").slice(0, -1)));
  const isThere = (named: string): boolean => {
    const [first = ""] = named.split(" ");
    return there.has(named) || there.has(first) || topics.has(named);
  };
  const files = await Array.fromAsync(
    glob(["src/**/*.ts", "docs/**/*.md", "*.md", "quickstart.sh", "stacks/**/*.yaml"], {
      cwd: root,
    }),
  );
  const wrong = files.flatMap((file) =>
    commandsNamed(readFileSync(`${root}${file}`, "utf8").replaceAll("`nexus has no command", ""))
      .filter((named) => !isThere(named))
      .map((named) => `${file}: nexus ${named}`),
  );

  expect(files.length).toBeGreaterThan(100);
  expect(wrong).toEqual([]);
});
