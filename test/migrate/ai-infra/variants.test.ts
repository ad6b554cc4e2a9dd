import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { takeInventory } from "../../../src/migrate/ai-infra/take-inventory.ts";
import type { Inventory } from "../../../src/migrate/inventory.ts";
import { copiedTrees } from "../../../src/migrate/source/local.ts";
import {
  buildAiInfra,
  gatewayDataPath,
  type AiInfra,
  type AiInfraOptions,
} from "../../support/ai-infra/ai-infra.ts";

let root = "";

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "nexus-variants-"));
});

afterAll(async () => {
  await rm(root, { recursive: true });
});

test("a database from before there were admins, left by a crash, gives its users and no admin", async () => {
  const fixture = await small("old", { users: "without-admin", databases: "crashed" });
  const { users, tokens, databases } = await inventoryOf(fixture.root);
  expect(users.map(({ name, admin }) => [name, admin])).toEqual([
    ["ada", false],
    ["brian", false],
    ["carol", false],
  ]);
  expect(tokens.filter(({ kind }) => kind === "api-key")).toEqual([]);
  expect(databases.map(({ rows }) => rows?.["memory_v2"] ?? rows?.["user_sessions"])).toEqual([
    15, 1,
  ]);
});

test("a registry of tools that is no JSON is told with line and column, and kept as it is", async () => {
  const fixture = await small("broken", { invalidRegistry: true });
  const { notUnderstood, files } = await inventoryOf(fixture.root);
  const told = notUnderstood.filter(({ at }) => at.file.endsWith("tools_registry.json"));
  expect(told).toHaveLength(1);
  expect(`${told[0]?.what} ${told[0]?.why}`).toMatch(/line \d+, column \d+/);
  expect(files.map(({ what }) => what)).toContain("tools-registry");
});

test("hosts may be called as people like", async () => {
  const names = { ai1: "brain", ai2: "front-desk", ada2: "studio" };
  const fixture = await small("named", { names });
  const { hosts, gateway, urls } = await inventoryOf(fixture.root);
  expect(hosts.map(({ name }) => name)).toEqual(["brain", "front-desk"]);
  expect(gateway?.host).toBe("front-desk");
  expect(urls.map(({ value }) => value.url)).toContain("http://brain:11434");
});

test("one host alone is enough, and hosts.yaml says which others there are", async () => {
  const fixture = await small("alone", {});
  const { hosts, gateway, services, warnings } = await inventoryOf(fixture.hosts.ai1);
  expect(hosts.map(({ name, os }) => [name, os])).toEqual([["ai1", "linux"]]);
  expect(gateway).toBeUndefined();
  expect(services.map(({ name }) => name)).toEqual(["ollama"]);
  expect(warnings.map(({ value }) => value).join()).not.toContain("hosts.yaml");
  const other = await inventoryOf(fixture.hosts.ai2);
  expect(other.warnings.map(({ value }) => value).join("\n")).toContain(
    "hosts.yaml names ai1, which is not among the sources",
  );
});

test("the data of a gateway alone, as the old backup has it, gives users and rows and no gateway", async () => {
  const fixture = await small("data", {});
  const data = join(root, "only-data");
  await cp(join(fixture.hosts.ai2, gatewayDataPath), data, { recursive: true });
  const { gateway, users, databases, files, routing } = await inventoryOf(data);
  expect(gateway).toBeUndefined();
  expect(users).toHaveLength(3);
  expect(databases.map(({ name }) => name)).toEqual(["memory", "users"]);
  expect(files.map(({ what }) => what)).toContain("voice-library");
  expect(routing).toEqual({ models: {} });
});

function small(folder: string, options: AiInfraOptions): Promise<AiInfra> {
  return buildAiInfra(join(root, folder), { small: true, ...options });
}

async function inventoryOf(folder: string): Promise<Inventory> {
  return takeInventory(await copiedTrees(folder));
}
