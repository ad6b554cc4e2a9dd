/** Writes what is generated: the reference of commands, the catalog, the stack file's schema and its tables. `--check` only compares. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readCatalog } from "../src/catalog/catalog.ts";
import { templateSchema } from "../src/catalog/template.ts";
import { catalogPage } from "./catalog-page.ts";
import { commandReference, type Manifest } from "./command-reference.ts";
import { contractSchemaTexts, schemaText, withTables } from "./schema.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string) => {
  try {
    return readFileSync(`${root}${path}`, "utf8");
  } catch {
    return "";
  }
};

const manifest = JSON.parse(read("oclif.manifest.json")) as Manifest;
const generated: Readonly<Record<string, string>> = {
  "docs/COMMANDS.md": commandReference(manifest),
  "schema/stack.schema.json": schemaText(),
  ...Object.fromEntries(
    Object.entries(contractSchemaTexts()).map(([file, text]) => [`schema/${file}`, text]),
  ),
  "docs/STACK_FILE.md": withTables(read("docs/STACK_FILE.md")),
  "docs/TEMPLATES.md": withTables(read("docs/TEMPLATES.md"), templateSchema),
  "docs/CATALOG.md": catalogPage(await readCatalog()),
};

for (const [path, text] of Object.entries(generated)) {
  if (read(path) === text) continue;
  if (process.argv.includes("--check")) {
    process.stderr.write(`${path} is stale: run \`npm run build && npm run docs\`.\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(`${root}${path}`, text);
  }
}
