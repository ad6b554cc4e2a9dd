import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { contractSchemaTexts, schemaText, withTables } from "../../scripts/schema.ts";
import { readCatalog } from "../../src/catalog/catalog.ts";
import { newStackFile, readStacks } from "../../src/catalog/stacks.ts";
import { isRecord } from "../../src/stack/record.ts";
import { templateSpec } from "../../src/stack/members.ts";
import { loadStack } from "../../src/stack/load.ts";
import { folderOf } from "./folder.ts";

const root = new URL("../../", import.meta.url);

async function textOf(path: string): Promise<string> {
  return await readFile(new URL(path, root), "utf8");
}

test("the schema for editors is what stack files are checked with: run `node scripts/schema.ts`", async () => {
  expect(schemaText()).toBe(await textOf("schema/stack.schema.json"));
});

test("the schemas of the service contract are what the gateway and `nexus verify` read its documents with", async () => {
  for (const [file, text] of Object.entries(contractSchemaTexts()))
    expect(text).toBe(await textOf(`schema/${file}`));
});

test("the tables of docs/STACK_FILE.md are what stack files are checked with: run `node scripts/schema.ts`", async () => {
  const page = await textOf("docs/STACK_FILE.md");
  expect(withTables(page)).toBe(page);
  expect(page).not.toContain("| any |");
});

test("every key has a description", () => {
  expect(undescribed(JSON.parse(schemaText()), "")).toEqual([]);
});

/** Paths of the keys without a description, anywhere in a JSON Schema. */
function undescribed(node: unknown, path: string): readonly string[] {
  if (!isRecord(node))
    return Array.isArray(node) ? node.flatMap((item) => undescribed(item, path)) : [];
  return Object.entries(node).flatMap(([key, value]) => {
    if (key !== "properties" || !isRecord(value)) return undescribed(value, path);
    return Object.entries(value).flatMap(([name, member]) => [
      ...(isRecord(member) && "description" in member ? [] : [`${path}.${name}`]),
      ...undescribed(member, `${path}.${name}`),
    ]);
  });
}

test("every template is a valid service in every variant", async () => {
  for (const template of await readCatalog()) {
    for (const variant of [undefined, ...template.variants]) {
      expect(templateSpec(template, variant, { service: template.id, home: "/" })).toBeTypeOf(
        "object",
      );
    }
  }
});

test("every ready-made stack loads without a warning, from its folder and when `init` has written it", async () => {
  const stacks = await readStacks();
  expect(stacks.map(({ id }) => id)).toEqual([
    "default",
    "cpu-only",
    "monitoring",
    "rag",
    "starter",
    "studio",
    "vllm",
    "voice",
  ]);
  for (const { id, description } of stacks) {
    expect(description).toMatch(/\w\.$/);
    const path = new URL(`stacks/${id}/nexus.yaml`, root).pathname;
    const { stack, warnings } = await loadStack({ cwd: "/", environment: {}, file: path });
    expect({ warnings, services: stack.services.length > 0 }).toEqual({
      warnings: [],
      services: true,
    });
    await using folder = await folderOf({ "nexus.yaml": await newStackFile(id, { name: "mine" }) });
    expect((await loadStack({ cwd: folder.path, environment: {} })).stack.name).toBe("mine");
  }
});
