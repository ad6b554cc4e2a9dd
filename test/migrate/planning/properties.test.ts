/** Whatever was found: planning does not throw, forgets nothing, keeps secrets, and gives the same again. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { readCatalog } from "../../../src/catalog/catalog.ts";
import type { FoundService, Inventory } from "../../../src/migrate/inventory.ts";
import type { Choices, Target } from "../../../src/migrate/migration-plan.ts";
import { planMigration } from "../../../src/migrate/planning/plan-migration.ts";
import type { Found, Place } from "../../../src/migrate/reading.ts";
import { Secret } from "../../../src/migrate/secret.ts";
import {
  formatMigrationPlan,
  migrationPlanDocument,
} from "../../../src/terminal/migration-plan.ts";
import { load } from "../../stack/folder.ts";
import { choices, emptyTarget, nothing } from "./inventories.ts";

const catalog = await readCatalog();
const runs = { numRuns: 150 };
const password = "s3cr3t-value-of-somebody";

const hostName = fc.constantFrom("ai1", "ai2", "ada2");
const word = fc.oneof(
  fc.constantFrom("ollama", "mlx", "a:b/c", "", "$x${Y}", "default"),
  fc.string(),
);
const place: fc.Arbitrary<Place> = fc.record({ host: hostName, file: word, line: fc.nat() });
const found = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Found<Value>> =>
  fc.record({ value, at: place });
const setting = found(fc.oneof(word, fc.constant(new Secret(password))));
const settings = fc.dictionary(fc.constantFrom("HF_TOKEN", "OLLAMA_KEEP_ALIVE", "X"), setting);
const listens = fc.record({
  address: fc.constantFrom("127.0.0.1", "0.0.0.0", "localhost", "10.0.0.1", "::", ""),
  port: fc.constantFrom(80, 8800, 8801, 9090, 11_434, 65_535),
});
const template = fc.constantFrom(...catalog.map(({ id }) => id), "nobody");
const unit = fc.record({ manager: fc.constantFrom("systemd", "launchd"), name: word });

const someService: fc.Arbitrary<FoundService> = fc.record(
  {
    name: word,
    host: hostName,
    at: place,
    template,
    provides: fc.array(fc.constantFrom("chat", "tts", "nothing")),
    listens,
    apiPath: fc.constantFrom("/v1", "", "/", "x", "/a/b"),
    unit,
    settings,
    models: fc.array(word),
  },
  { requiredKeys: ["name", "host", "at", "provides", "apiPath", "settings", "models"] },
);

const url = fc.oneof(
  word,
  fc.constantFrom("http://ai1:11434", "http://127.0.0.1:8800/v1", "https://elsewhere"),
  fc.constantFrom(`http://u:${password}@ai1:11434`, `http://other/?key=${password}`),
);

const size = fc.nat(1e9);

const inventories: fc.Arbitrary<Inventory> = fc.record({
  kind: fc.constant("ai-infra" as const),
  hosts: fc.uniqueArray(
    fc.record({
      name: hostName,
      names: fc.array(word),
      os: fc.constantFrom("linux" as const, "macos" as const, "unknown" as const),
      live: fc.boolean(),
      roles: fc.constant([]),
    }),
    { selector: ({ name }) => name },
  ),
  gateway: fc.record(
    {
      host: hostName,
      at: place,
      listens,
      observability: listens,
      carried: settings,
      ipAllowlist: found(fc.array(word)),
      maxRequestBytes: found(fc.integer()),
    },
    { requiredKeys: ["host", "at", "listens", "carried"] },
  ),
  services: fc.array(someService, { maxLength: 6 }),
  tokens: fc.array(
    fc.record({
      at: place,
      kind: fc.constant("token" as const),
      name: word,
      digest: fc.constantFrom("sha256:a", "sha256:b", "sha256:c"),
      hint: fc.constant("nx_abcd"),
    }),
  ),
  users: fc.array(
    fc.record({
      name: word,
      at: place,
      hash: fc.constant(new Secret(password)),
      salt: fc.constant(new Secret(password)),
      admin: fc.boolean(),
      disabled: fc.boolean(),
      createdAt: fc.constant("2026-01-01T00:00:00Z"),
    }),
    { maxLength: 3 },
  ),
  aliases: fc.array(
    fc.record({ name: word, at: place, backend: word, model: word, maxTokens: fc.integer() }),
    { maxLength: 6 },
  ),
  routing: fc.record({
    defaultBackend: found(word),
    models: fc.dictionary(fc.constantFrom("ollama.default", "mlx.fast", "x"), found(word)),
    embeddings: found(fc.record({ backend: word, model: word })),
  }),
  databases: fc.array(
    fc.record({
      name: fc.constantFrom("memory", "users"),
      host: hostName,
      path: word,
      bytes: size,
    }),
    { maxLength: 3 },
  ),
  files: fc.array(
    fc.record({
      what: word,
      host: hostName,
      path: fc.oneof(word, fc.constant("/../../etc/x")),
      kind: fc.constant("folder" as const),
      files: fc.nat(9),
      bytes: size,
    }),
    { maxLength: 3 },
  ),
  models: fc.array(
    fc.record({
      service: word,
      host: hostName,
      path: fc.constant("/models"),
      format: fc.constant("ollama" as const),
      models: fc.array(fc.record({ name: word, bytes: size, complete: fc.boolean() })),
      bytes: size,
    }),
    { maxLength: 3 },
  ),
  urls: fc.array(found(fc.record({ setting: fc.constantFrom("OLLAMA_BASE_URL", "X"), url })), {
    maxLength: 4,
  }),
  notUnderstood: fc.array(fc.record({ at: place, what: word, why: word }), { maxLength: 2 }),
  warnings: fc.array(found(word), { maxLength: 2 }),
});

const someChoices: fc.Arbitrary<Choices> = fc.record({
  stack: fc.constantFrom("home", "x".repeat(40)),
  directory: fc.constant("/srv/home"),
  output: fc.constant("nexus.yaml"),
  here: fc.subarray(["ai1", "ai2", "ada2"]),
  models: fc.constantFrom("share", "copy", "pull"),
});

const targets: fc.Arbitrary<Target> = fc.record({
  files: fc.constant([]),
  ports: fc.subarray([{ port: 8800 }, { port: 8801, heldBy: "x" }, { port: 80 }]),
  engine: fc.constant({ ...emptyTarget.engine, volumes: [], containers: [], local: true }),
});

test("no inventory makes planning throw, and equal ones give equal plans", () => {
  fc.assert(
    fc.property(inventories, someChoices, targets, (inventory, chosen, target) => {
      const plan = planMigration(inventory, chosen, target, catalog);
      expect(planMigration({ ...inventory }, chosen, target, catalog)).toEqual(plan);
    }),
    runs,
  );
});

test("every stack file that is planned loads", async () => {
  await fc.assert(
    fc.asyncProperty(inventories, someChoices, targets, async (inventory, chosen, target) => {
      const { text } = planMigration(inventory, chosen, target, catalog);
      const { stack } = await load(text);
      expect(stack.name).toBe(chosen.stack);
    }),
    { numRuns: 25 },
  );
});

test("every service, alias, token, user, file and address of the inventory is somewhere in the plan", () => {
  fc.assert(
    fc.property(inventories, someChoices, targets, (inventory, chosen, target) => {
      const plan = planMigration(inventory, chosen, target, catalog);
      const names = [...plan.aliases, ...plan.aliasesLeftOut].map(({ name }) => name);
      const digests = new Set(inventory.tokens.map(({ digest }) => digest));
      const moved = plan.data.map(({ path }) => path);
      expect(plan.services.map(({ from }) => from)).toEqual(
        expect.arrayContaining(inventory.services.map(({ name }) => name)),
      );
      expect(names).toEqual(expect.arrayContaining(inventory.aliases.map(({ name }) => name)));
      expect(plan.keys.length + plan.refusedKeys.length).toBe(digests.size);
      const told = plan.warnings.filter(({ value }) => value.startsWith("The user "));
      expect(plan.users.length + told.length).toBe(inventory.users.length);
      expect(plan.rewrites).toHaveLength(inventory.urls.length);
      expect(moved).toEqual(
        expect.arrayContaining(
          [...inventory.files, ...inventory.databases].map(({ path }) => path),
        ),
      );
    }),
    runs,
  );
});

test("no step writes outside of its folder, and no two have one id", () => {
  fc.assert(
    fc.property(inventories, someChoices, targets, (inventory, chosen, target) => {
      const { steps } = planMigration(inventory, chosen, target, catalog);
      const paths = steps.flatMap((step) => {
        if ("to" in step) return step.to;
        return "path" in step && step.kind !== "add-users" ? step.path : [];
      });
      expect(
        paths.filter((path) => path.startsWith("/") || path.split("/").includes("..")),
      ).toEqual([]);
      expect(new Set(steps.map(({ id }) => id)).size).toBe(steps.length);
    }),
    runs,
  );
});

test("no secret is in a plan, in what people see of it, or in what programs do", () => {
  fc.assert(
    fc.property(inventories, someChoices, targets, (inventory, chosen, target) => {
      const plan = planMigration(inventory, chosen, target, catalog);
      const shown = [
        formatMigrationPlan(plan, inventory),
        JSON.stringify(migrationPlanDocument(plan, inventory, false)),
        JSON.stringify(plan),
      ];
      expect(shown.filter((text) => text.includes(password))).toEqual([]);
    }),
    runs,
  );
});

test("programs get no digest of a token", () => {
  const tokens = [
    {
      at: { host: "ai2", file: "/x" },
      kind: "token" as const,
      name: "a",
      digest: "sha256:feed",
      hint: "abc",
    },
  ];
  const plan = planMigration({ ...nothing, tokens }, choices, emptyTarget, catalog);
  expect(JSON.stringify(migrationPlanDocument(plan, nothing, false))).not.toContain("feed");
});
