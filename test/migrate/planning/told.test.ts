/** What people are told because it is different from before, or because only they can know. */
import { expect, test } from "vitest";
import { readCatalog } from "../../../src/catalog/catalog.ts";
import type { Inventory } from "../../../src/migrate/inventory.ts";
import type { Choices, MigrationPlan } from "../../../src/migrate/migration-plan.ts";
import { planMigration } from "../../../src/migrate/planning/plan-migration.ts";
import { Secret } from "../../../src/migrate/secret.ts";
import {
  at,
  choices,
  emptyTarget,
  env,
  host,
  nothing,
  service,
  threeHosts,
} from "./inventories.ts";

const catalog = await readCatalog();

function plan(inventory: Partial<Inventory>, chosen: Partial<Choices> = {}): MigrationPlan {
  return planMigration(
    { ...nothing, ...inventory },
    { ...choices, ...chosen },
    emptyTarget,
    catalog,
  );
}

test("a model of which parts are missing is not fetched unless somebody wants that, and its names are left out", () => {
  const made = plan(threeHosts);
  expect(made.text).not.toContain("235b");
  expect(made.models.map(({ model }) => model)).not.toContain("qwen3:235b");
  const giant = made.aliasesLeftOut.find(({ name }) => name === "giant");
  expect(giant?.because).toContain("parts of qwen3:235b are missing");
  expect(made.decisions).toContainEqual(
    expect.objectContaining({
      id: "model-qwen3:235b",
      otherwise: expect.stringContaining("--models pull"),
      at: { host: "ai1", file: "/usr/share/ollama/.ollama/models" },
    }),
  );
});

test("where all models are fetched anew, so is the one with missing parts, and its names stay", () => {
  const made = plan(threeHosts, { models: "pull" });
  expect(made.models).toContainEqual(expect.objectContaining({ model: "qwen3:235b", how: "pull" }));
  expect(made.aliases).toContainEqual(
    expect.objectContaining({ name: "giant", targets: ["ollama/qwen3:235b"] }),
  );
  expect(made.decisions.filter(({ id }) => id.startsWith("model-"))).toEqual([]);
});

test("the memory's own model is fetched where parts of it are missing, for no row is found without it", () => {
  const models = threeHosts.models.map((store) => ({
    ...store,
    models: store.models.map((model) =>
      model.name.startsWith("nomic") ? { ...model, complete: false } : model,
    ),
  }));
  const made = plan({ ...threeHosts, models });
  expect(made.models).toContainEqual(
    expect.objectContaining({ model: "nomic-embed-text", how: "pull" }),
  );
  expect(made.decisions.map(({ id }) => id)).not.toContain("model-nomic-embed-text:latest");
});

test("names that no model has were answered by `fast`: who keeps the clients is told, at the setting that did it", () => {
  const told = ({ warnings }: MigrationPlan) =>
    warnings.filter(({ value }) => value.includes("model_not_found"));
  expect(told(plan(threeHosts))).toEqual([
    { value: expect.stringContaining("GET /v1/models"), at: env(11) },
  ]);
  const routing = { ...threeHosts.routing, policy: { value: false, at: env(11) } };
  expect(told(plan({ ...threeHosts, routing }))).toEqual([]);
  expect(plan(nothing).warnings).toEqual([]);
});

test("requests without a model mean another alias now: that is to be decided", () => {
  expect(plan(threeHosts).decisions).toContainEqual(
    expect.objectContaining({ id: "no-model", otherwise: expect.stringContaining("`auto`") }),
  );
});

test("settings that have no equal are told with what holds in their place", () => {
  const carried = {
    "ui.PUBLIC_BASE_URL": { value: "https://ai2:8800", at: env(36) },
    "gateway.TRUST_PROXY_CIDRS": { value: "10.0.0.1/32", at: env(37) },
    "ui.UI_IP_ALLOWLIST": { value: "127.0.0.1", at: env(38) },
  };
  const gateway = {
    host: "ai2",
    at: env(1),
    listens: { address: "127.0.0.1", port: 8800 },
    metrics: { value: false, at: env(39) },
    requestLog: { value: true, at: env(40) },
    carried,
  };
  const { warnings } = plan({ gateway, hosts: [host("ai2")] });
  const lines = warnings.map((each) => each.at.line);
  expect(lines).toEqual(expect.arrayContaining([36, 37, 38, 39, 40]));
});

test("of several tokens for models behind a login the one that is not taken over is told, without its value", () => {
  const file = "/etc/lighton-ocr/lighton-ocr.env";
  const on = (name: string, value: string) =>
    service("lighton-ocr", name, {
      settings: { HF_TOKEN: { value: new Secret(value), at: at(name, file, 4) } },
    });
  const told = (second: string) =>
    plan({
      hosts: [host("ai1"), host("ai2")],
      services: [on("ai1", "hf_first"), on("ai2", second)],
    }).warnings;
  expect(told("hf_first")).toEqual([]);
  const [warning] = told("hf_second");
  expect(warning?.at).toEqual({ host: "ai2", file, line: 4 });
  expect(warning?.value).not.toContain("hf_");
});
