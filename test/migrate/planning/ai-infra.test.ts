/** What becomes of a whole ai-infra of three hosts, read from its copied files. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readCatalog } from "../../../src/catalog/catalog.ts";
import { takeInventory } from "../../../src/migrate/ai-infra/take-inventory.ts";
import type { Inventory } from "../../../src/migrate/inventory.ts";
import type { MigrationPlan } from "../../../src/migrate/migration-plan.ts";
import { planMigration } from "../../../src/migrate/planning/plan-migration.ts";
import { copiedTrees } from "../../../src/migrate/source/local.ts";
import {
  formatMigrationPlan,
  migrationPlanDocument,
} from "../../../src/terminal/migration-plan.ts";
import { load } from "../../stack/folder.ts";
import { type AiInfra, buildAiInfra } from "../../support/ai-infra/ai-infra.ts";
import { allSecrets } from "../../support/ai-infra/secrets.ts";
import { choices, emptyTarget } from "./inventories.ts";

const catalog = await readCatalog();
let root = "";
let fixture: AiInfra;
let inventory: Inventory;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "nexus-planning-"));
  fixture = await buildAiInfra(join(root, "hosts"));
  inventory = await takeInventory(
    await copiedTrees(fixture.root),
    new Date("2026-02-01T00:00:00Z"),
  );
});

afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

function plan(here: readonly string[]): MigrationPlan {
  return planMigration(inventory, { ...choices, here }, emptyTarget, catalog);
}

test.each([[["ai1", "ai2"]], [["ai1", "ai2", "ada2"]], [[]]])(
  "with %s here the stack file loads, and no secret is told to anybody",
  async (here) => {
    const made = plan(here);
    const { stack } = await load(made.text);
    expect(stack.services.length).toBeGreaterThan(0);
    const told = [
      formatMigrationPlan(made, inventory),
      JSON.stringify(migrationPlanDocument(made, inventory, false)),
      JSON.stringify(made),
    ].join("\n");
    for (const secret of allSecrets(fixture.secrets)) expect(told).not.toContain(secret);
  },
);

test("the old gateway's Ollama keeps its name, and old tokens their limits", () => {
  const { services, keys, refusedKeys } = plan(["ai1", "ai2", "ada2"]);
  const ollamas = services.filter(({ from }) => from === "ollama");
  expect(ollamas.map(({ name, host }) => [name, host])).toEqual([
    ["ollama-ada2", "ada2"],
    ["ollama", "ai1"],
  ]);
  expect(keys.map(({ record }) => record.allowed_ips)).toContain(undefined);
  expect(keys.map(({ record }) => record.limits?.max_request_bytes)).toContain(250_000);
  expect(refusedKeys.length).toBeGreaterThan(0);
});

test("what is hidden behind a proxy is reached as the old gateway reached it", () => {
  const { services } = plan(["ai1", "ai2"]);
  const shim = services.find(({ from }) => from === "invokeai-openai-images-shim");
  expect(shim).toMatchObject({ becomes: "external", url: "http://ada2:7860" });
});

test("images are asked of the adapter, and the adapter asks InvokeAI", () => {
  const { rewrites } = plan(["ai1", "ai2", "ada2"]);
  const images = rewrites.find(({ setting }) => setting.value === "IMAGES_HTTP_BASE_URL");
  expect(images?.to).toBe("http://invokeai-openai-images-shim:9000");
});
