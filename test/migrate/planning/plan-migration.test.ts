/** What is planned for an installation, and that it is said without a secret. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { readCatalog } from "../../../src/catalog/catalog.ts";
import type { Inventory } from "../../../src/migrate/inventory.ts";
import type { Choices, MigrationPlan, Target } from "../../../src/migrate/migration-plan.ts";
import { planMigration } from "../../../src/migrate/planning/plan-migration.ts";
import { Secret } from "../../../src/migrate/secret.ts";
import { formatMigrationPlan } from "../../../src/terminal/migration-plan.ts";
import { load } from "../../stack/folder.ts";
import {
  alias,
  at,
  choices,
  emptyTarget,
  env,
  host,
  nothing,
  service,
  threeHosts,
  token,
} from "./inventories.ts";

const catalog = await readCatalog();

function plan(
  inventory: Partial<Inventory>,
  chosen: Partial<Choices> = {},
  target: Partial<Target> = {},
): MigrationPlan {
  return planMigration(
    { ...nothing, ...inventory },
    { ...choices, ...chosen },
    { ...emptyTarget, ...target },
    catalog,
  );
}

const heldTarget = {
  ports: [
    { port: 8800, heldBy: "the old gateway" },
    { port: 8801, heldBy: "the old gateway" },
  ],
};

test("three hosts become what is written beside this test, and the stack file loads", async () => {
  const made = plan(threeHosts, {}, heldTarget);
  await expect(`${formatMigrationPlan(made, threeHosts)}\n`).toMatchFileSnapshot(
    join(import.meta.dirname, "three-hosts.txt"),
  );
  const { stack } = await load(made.text);
  expect(stack.services.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
    "ollama container",
    "invokeai external",
    "heartmula external",
  ]);
  expect(stack.gateway.aliases["default"]).toEqual(["ollama/llama3.3:70b"]);
});

test("every host here becomes what is written beside this test, and the stack file loads", async () => {
  const all = { here: ["ai1", "ai2", "ada2"] };
  const inventory = {
    ...threeHosts,
    hosts: threeHosts.hosts.map((each) => ({ ...each, live: each.name === "ai2" })),
  };
  const made = plan(inventory, all);
  await expect(made.text).toMatchFileSnapshot(join(import.meta.dirname, "all-here.txt"));
  await load(made.text);
});

test("a service of this Mac that cannot be a container is reached through its host", () => {
  const inventory = {
    hosts: [host("ai2", { os: "macos", live: true })],
    services: [
      service("mlx", "ai2", {
        listens: { address: "127.0.0.1", port: 10_240 },
        provides: ["chat"],
      }),
      service("ollama", "ai2", { listens: { address: "127.0.0.1", port: 11_434 } }),
    ],
  };
  expect(plan(inventory).services.map(({ becomes, url }) => [becomes, url])).toEqual([
    ["external", "http://host.docker.internal:10240"],
    ["external", "http://host.docker.internal:11434"],
  ]);
});

test("a service that only its own host hears is left out, told, and to be decided", () => {
  const inventory = {
    hosts: [host("ada2")],
    services: [
      service("lighton-ocr", "ada2", {
        listens: { address: "127.0.0.1", port: 9155 },
        provides: ["ocr"],
      }),
    ],
  };
  const { services, decisions } = plan(inventory);
  expect(services[0]?.becomes).toBe("left-out");
  expect(decisions.map(({ id }) => id)).toEqual(["reach-ada2-lighton-ocr"]);
  expect(decisions[0]).toMatchObject({
    question: expect.stringContaining("127.0.0.1 of ada2 only"),
    at: { host: "ada2", file: "/etc/lighton-ocr/lighton-ocr.env" },
  });
});

test("a service that does not fit the engine's machine stays where it is", () => {
  const inventory = {
    hosts: [host("ai1")],
    services: [
      service("lighton-ocr", "ai1", {
        listens: { address: "0.0.0.0", port: 9155 },
        provides: ["ocr"],
      }),
    ],
  };
  const fits = { architecture: "amd64", gpus: [] };
  expect(plan(inventory, {}, { machine: fits }).services[0]).toMatchObject({
    becomes: "external",
    url: "http://ai1:9155",
  });
});

test("a silent service outside of the stack does not hold the stack up", async () => {
  const inventory = {
    hosts: [host("ada2")],
    services: [service("heartmula", "ada2", { listens: { address: "0.0.0.0", port: 9920 } })],
  };
  const { text } = plan(inventory, {}, { silent: ["ada2:9920"] });
  const { stack } = await load(text);
  expect(stack.services[0]?.ready).toBe("running");
});

test("services of one name on two hosts get a name each, and the gateway's address says which is meant", () => {
  const listens = { address: "0.0.0.0", port: 11_434 };
  const inventory = {
    ...threeHosts,
    services: [service("ollama", "ada2", { listens }), service("ollama", "ai1", { listens })],
    models: [],
    aliases: [alias("default")],
  };
  const { services, aliases } = plan(inventory);
  expect(services.map(({ name }) => name)).toEqual(["ollama-ada2", "ollama"]);
  expect(aliases[0]?.targets).toEqual(["ollama/llama3.3:70b"]);
});

test("InvokeAI comes with its adapter, which is told of the old default model", async () => {
  const inventory = {
    hosts: [host("ai1")],
    services: [
      service("invokeai", "ai1", { listens: { address: "127.0.0.1", port: 9090 } }),
      service("invokeai-openai-images-shim", "ai1", {
        template: "image-adapter",
        provides: ["image"],
        listens: { address: "127.0.0.1", port: 9091 },
        settings: {
          INVOKEAI_DEFAULT_MODEL: { value: "Juggernaut $XL v9", at: at("ai1", "/shim.env") },
        },
      }),
    ],
  };
  const { text } = plan(inventory);
  const { stack } = await load(text);
  expect(stack.services.map(({ name }) => name)).toEqual([
    "invokeai",
    "invokeai-openai-images-shim",
  ]);
  expect(stack.services[1]).toMatchObject({
    environment: { UPSTREAM_URL: "http://invokeai:9090", DEFAULT_MODEL: "Juggernaut $XL v9" },
  });
});

test("a token that the list and a policy name is one key, with the policy's limits", () => {
  const list = token("gateway");
  const policy = token("gateway-policy", {
    digest: list.digest,
    policy: { maxRequestBytes: 5, ipAllowlist: ["10.0.0.0/8", "nonsense"], tools: {} },
  });
  const { keys, warnings } = plan({ tokens: [list, policy], hosts: [host("ai2")] });
  expect(keys).toHaveLength(1);
  expect(keys[0]?.record).toMatchObject({
    name: "gateway",
    limits: { max_request_bytes: 5 },
    allowed_ips: ["10.0.0.0/8"],
  });
  expect(warnings[0]?.value).toContain("nonsense");
});

test("the gateway's own list holds for tokens without one, and an empty list is for everyone", () => {
  const { keys } = plan({
    ...threeHosts,
    tokens: [token("a"), token("b", { policy: { ipAllowlist: [], tools: {} } })],
  });
  expect(keys.map(({ record }) => record.allowed_ips)).toEqual([
    ["127.0.0.1", "10.10.22.0/24"],
    undefined,
  ]);
});

test("a list that nobody can read is for nobody, and no key is called as the first one of `up`", () => {
  const unreadable = token("a", { policy: { ipAllowlist: ["everywhere"], tools: {} } });
  const { keys, refusedKeys } = plan({ tokens: [unreadable, token("default")] });
  expect(keys.map(({ record }) => record.name)).toEqual(["default-2"]);
  expect(refusedKeys[0]?.because).toContain("for nobody");
});

test("the gateway is on loopback where it was, and gets the next free port while its own is held", async () => {
  const gateway = {
    host: "ai2",
    at: env(1),
    listens: { address: "127.0.0.1", port: 8800 },
    carried: {},
  };
  const made = plan({ gateway, hosts: [host("ai2")] }, {}, heldTarget);
  expect(made.conflicts.map(({ instead }) => instead)).toEqual([8802, 8803]);
  const { stack } = await load(made.text);
  expect(stack.gateway).toMatchObject({ host: "127.0.0.1", port: 8802, observabilityPort: 8803 });
  const fixed = plan({ gateway }, { gatewayPort: 8800 }, heldTarget);
  expect(fixed.obstacles[0]).toContain("Port 8800 is held by the old gateway");
});

test("a store on the engine's machine can be shared, read only and left as it is", async () => {
  const complete = threeHosts.models.map((store) => ({
    ...store,
    models: store.models.map((model) => ({ ...model, complete: true })),
  }));
  const inventory = {
    ...threeHosts,
    models: complete,
    hosts: threeHosts.hosts.map((each) => ({ ...each, live: each.name === "ai1" })),
  };
  const made = plan(inventory, { models: "share" });
  expect(made.steps.some(({ kind }) => kind === "copy-models")).toBe(false);
  const { stack } = await load(made.text);
  const [ollama] = stack.services;
  expect(ollama).toMatchObject({ environment: { OLLAMA_NOPRUNE: "1" } });
  expect(ollama?.kind === "container" && ollama.mounts).toContainEqual({
    kind: "bind",
    source: "/usr/share/ollama/.ollama/models",
    target: "/root/.ollama/models",
    readOnly: true,
  });
});

test("what cannot be shared is copied, and told", () => {
  const made = plan(threeHosts, { models: "share" });
  expect(made.steps.filter(({ kind }) => kind === "copy-models")).toHaveLength(1);
  expect(made.decisions.map(({ id }) => id)).toContain("models");
});

test("a token for models behind a login becomes a secret of its service, and its value is nowhere", async () => {
  const secret = new Secret("hf_secret-value");
  const where = at("ai1", "/etc/lighton-ocr/lighton-ocr.env", 4);
  const inventory = {
    hosts: [host("ai1")],
    services: [
      service("lighton-ocr", "ai1", { settings: { HF_TOKEN: { value: secret, at: where } } }),
    ],
  };
  const made = plan(inventory);
  expect(made.steps).toContainEqual(
    expect.objectContaining({
      kind: "write-secret",
      path: ".nexus/secrets/HF_TOKEN",
      setting: "HF_TOKEN",
    }),
  );
  const { stack } = await load(made.text);
  expect(stack.services[0]).toMatchObject({ secrets: [{ name: "HF_TOKEN" }] });
  expect(JSON.stringify(made)).not.toContain(secret.reveal());
});

test("what is in the way is told with what to do", () => {
  const { obstacles } = plan(
    threeHosts,
    {},
    {
      files: ["nexus.yaml"],
      freeBytes: 10,
      engine: { volumes: ["home-gateway"], containers: [], local: true, freeBytes: 10 },
    },
  );
  expect(obstacles).toEqual([
    expect.stringContaining("nexus.yaml is there already"),
    expect.stringContaining("home-gateway of a stack home is on the engine already"),
    expect.stringContaining("/srv/home: 50000"),
    expect.stringContaining("--models share"),
  ]);
  expect(plan(nothing).obstacles[0]).toContain("Nothing was found");
});

test("data alone, out of a backup of the old gateway, can be migrated", () => {
  const path = "/var/lib/gateway/data/users.sqlite";
  const databases = [{ name: "users", host: "backup", path, bytes: 1 }];
  expect(plan({ ...nothing, databases }).obstacles).toEqual([]);
});

test("steps come in order: git kept away, backups, files, models, data, up, keys, users, checks, and the old services last", () => {
  const kinds = plan(threeHosts).steps.map(({ kind }) => kind);
  expect(kinds).toEqual([
    "ignore-secrets",
    "backup-database",
    "backup-database",
    "fetch-files",
    "write-file",
    "write-file",
    "place-file",
    "place-file",
    "copy-models",
    "carry",
    "up",
    "add-keys",
    "add-users",
    "verify",
    "stop-legacy",
    "stop-legacy",
  ]);
});

test("a host is reached by the name that the old installation had for it", () => {
  const inventory = {
    hosts: [host("ai2"), host("copy-of-ada2", { names: ["ada2", "ada2.local"] })],
    services: [
      service("heartmula", "copy-of-ada2", { listens: { address: "0.0.0.0", port: 9920 } }),
    ],
    urls: [{ value: { setting: "HEARTMULA_BASE_URL", url: "http://ada2:9920" }, at: env(1) }],
  };
  const { services, rewrites } = plan(inventory);
  expect(services[0]?.url).toBe("http://ada2:9920");
  expect(rewrites[0]?.to).toBe("http://ada2:9920");
});

test("`auto` goes by what a request brings, as the old policy did, and a model's name may be an owner's", async () => {
  const inventory = {
    ...threeHosts,
    hosts: [host("ai2", { os: "macos", live: true }), host("ai1")],
    models: [],
    aliases: [
      alias("default", { tools: true }),
      alias("fast", { model: "qwen2.5:7b", tools: false }),
      alias("long", { model: "qwen3:30b" }),
      alias("mac", { backend: "mlx", model: "mlx-community/gemma" }),
    ],
    routing: { ...threeHosts.routing, longContextChars: { value: 50_000, at: env(9) } },
  };
  const { text, aliases } = plan(inventory);
  await load(text);
  expect(text).toContain("{ tools: true, to: default }");
  expect(text).toContain("{ min_bytes: 50000, to: long }");
  expect(text).toContain("fast: { to: ollama/qwen2.5:7b, tools: false }");
  expect(aliases.map(({ name }) => name)).toContain("mlx:mlx-community/gemma");
});

test("users whose names cannot be names here, or are the same but for case, are told with what to do", () => {
  const person = (name: string) => ({
    name,
    at: at("ai2", "/users.sqlite"),
    hash: new Secret("a-password-hash"),
    salt: new Secret("a-password-salt"),
    admin: false,
    disabled: false,
    createdAt: "2026-01-01T00:00:00Z",
  });
  const { users, warnings } = plan({ users: ["Ada", "ADA", "a/b"].map(person) });
  expect(users.map(({ name }) => name)).toEqual(["Ada"]);
  expect(warnings.map(({ value }) => value)).toEqual([
    'The user "ADA" cannot log in: here that is the same name as Ada, who came first. Give them another name: `nexus users add NAME`, once the stack is up. What they had is carried.',
    'The user "a/b" cannot log in: that cannot be the name of a user here. Give them another name: `nexus users add NAME`, once the stack is up. What they had is carried.',
  ]);
});
