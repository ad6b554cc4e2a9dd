/** Keeps bench/RESULTS.md: each benchmark replaces its own section, between two comments, and leaves the others as they are. */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const file = fileURLToPath(new URL("RESULTS.md", import.meta.url));

/** Puts a section's text in the place of what it said before; throws when the page has no such section. */
export async function writeSection(name: string, text: string): Promise<void> {
  const page = await readFile(file, "utf8");
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from === -1 || to < from) throw new Error(`${file} has no section "${name}".`);
  await writeFile(file, `${page.slice(0, from)}${begin}\n\n${text}\n\n${page.slice(to)}`);
}
