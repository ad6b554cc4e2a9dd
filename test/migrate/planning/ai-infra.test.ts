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
import { machineWith, nvidia } from "../../catalog/templates.ts";
import { load } from "../../stack/folder.ts";
import { type AiInfra, buildAiInfra } from "../../support/ai-infra/ai-infra.ts";
import { allSecrets } from "../../support/ai-infra/secrets.ts";
import { emptyWorld } from "../../plan/model.ts";
import { planIn, withGpus } from "../../plan/scenario.ts";
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

test("what is told of the three hosts reads as what is written beside this test", async () => {
  const text = formatMigrationPlan(plan(["ai1", "ai2"]), inventory);
  // Databases are not the same size with every version of SQLite.
  const told = text.replaceAll(/\b[\d.]+ (?:B|kB|MB|GB|TB)\b/g, "<size>");
  await expect(`${told}\n`).toMatchFileSnapshot(join(import.meta.dirname, "ai-infra.txt"));
});

test.each([[["ai1"]], [["ai1", "ai2"]], [["ai1", "ai2", "ada2"]]])(
  "with %s here `up` has a plan for the stack that makes every container once",
  async (here) => {
    const machine = machineWith([nvidia("L40S", "8.9", 45)]);
    const made = planMigration(
      inventory,
      { ...choices, here },
      { ...emptyTarget, machine },
      catalog,
    );
    const { stack } = await load(made.text, { machine: async () => machine });
    const { actions } = planIn(emptyWorld, stack, withGpus(...machine.gpus.map(({ id }) => id)));
    const created = actions.flatMap((each) => (each.kind === "create" ? each.service : []));
    const wanted = stack.services.filter(({ kind }) => kind === "container");
    expect(created).toHaveLength(wanted.length + 1);
    expect(new Set(created)).toEqual(new Set(["gateway", ...wanted.map(({ name }) => name)]));
    expect(wanted.length).toBeGreaterThan(0);
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
