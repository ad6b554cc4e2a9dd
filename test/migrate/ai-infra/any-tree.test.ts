import fc from "fast-check";
import { expect, test } from "vitest";
import { knownServices } from "../../../src/migrate/ai-infra/known-services.ts";
import { takeInventory } from "../../../src/migrate/ai-infra/take-inventory.ts";
import type { DatabaseLook } from "../../../src/migrate/source/tree.ts";
import { InMemoryTree } from "../../support/in-memory-tree.ts";

const data = "/var/lib/gateway/data";
const places = [
  "/var/lib/gateway/app/.env",
  "/var/lib/gateway/app/model_aliases.json",
  "/var/lib/gateway/app/tools_registry.json",
  "/var/lib/gateway/app/agent_specs.json",
  "/var/lib/gateway/app/token_policies.json",
  "/var/lib/gateway/app/app/backends_config.yaml",
  "/root/ai/ai-infra/hosts.yaml",
  "/etc/hostname",
  "/etc/iptables/rules.v4",
  `${data}/users.sqlite`,
  `${data}/memory.sqlite`,
  `${data}/voice_library/.voice_index.json`,
  `${data}/ui_chats/1.json`,
  "/Library/LaunchDaemons/com.ai.gateway.plist",
  "/etc/systemd/system/ollama.service",
  "/etc/nginx/sites-enabled/invokeai",
  "/usr/share/ollama/.ollama/models/manifests/registry.ollama.ai/library/a/b",
  ...knownServices.flatMap(({ files }) => files),
];

const settingLine = fc
  .tuple(
    fc.constantFrom(
      "GATEWAY_BEARER_TOKENS",
      "GATEWAY_TOKEN_POLICIES_JSON",
      "GATEWAY_PORT",
      "UI_IMAGE_DIR",
      "MEMORY_DB_PATH",
      "MODEL_ALIASES_JSON",
      "OLLAMA_HOST",
      "LUXTTS_UPSTREAM_BASE_URL",
      "__proto__",
      "constructor",
    ),
    fc.oneof(
      fc.string(),
      fc.constantFrom("/", "/var/lib", "..", "{}", '{"a":', "http://[::1", "0.0.0.0:99999", "::"),
    ),
  )
  .map(([name, value]) => `${name}=${value}`);

const content = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.array(settingLine, { maxLength: 8 }).map((lines) => Buffer.from(lines.join("\n"))),
  fc.json().map((text) => Buffer.from(text)),
  fc.constant(undefined),
);

const cell = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.double(),
  fc.constant(null),
  fc.constant("ab".repeat(32)),
);
const row = fc.dictionary(
  fc.constantFrom(
    "username",
    "password_hash",
    "password_salt",
    "token_hash",
    "expires_ts",
    "dim",
    "rows",
    "created_ts",
    "policy_json",
    "__proto__",
  ),
  cell,
);
const look: fc.Arbitrary<DatabaseLook> = fc.record({
  rows: fc.dictionary(fc.string(), fc.nat()),
  answers: fc.array(fc.option(fc.array(row, { maxLength: 4 }), { nil: undefined }), {
    maxLength: 3,
  }),
});

const host = fc.record({
  host: fc.constantFrom("ai1", "ai2"),
  files: fc.dictionary(fc.constantFrom(...places), content, { maxKeys: 12 }),
  looks: fc.dictionary(fc.constantFrom(`${data}/users.sqlite`, `${data}/memory.sqlite`), look),
});

test("an inventory is made of any tree, and what cannot be read is told", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(host, { maxLength: 3 }), async (hosts) => {
      const inventory = await takeInventory(hosts.map((each) => new InMemoryTree(each)));
      expect(inventory.kind).toBe("ai-infra");
      expect(new Set(inventory.tokens.map(({ name }) => name)).size).toBe(inventory.tokens.length);
      for (const { path } of inventory.files) expect(data.startsWith(path)).toBe(false);
      expect(JSON.parse(JSON.stringify(inventory))).toMatchObject({ kind: "ai-infra" });
    }),
    { numRuns: 300 },
  );
});

test("a host that cannot be read is told file by file", async () => {
  const tree = new InMemoryTree({ files: { "/var/lib/gateway/app/.env": undefined } });
  const { notUnderstood } = await takeInventory([tree]);
  expect(notUnderstood).toContainEqual({
    at: { host: "ai1", file: "/var/lib/gateway/app/.env" },
    what: "the file",
    why: "cannot be read.",
  });
});

test("a setting that names the whole data folder takes nothing from there", async () => {
  const tree = new InMemoryTree({
    files: {
      "/var/lib/gateway/app/.env": "UI_IMAGE_DIR=/var/lib/gateway/data/\nUI_CHAT_DIR=chats\n",
      [`${data}/memory.sqlite`]: "",
    },
  });
  const { files, notUnderstood } = await takeInventory([tree]);
  expect(files).toEqual([]);
  expect(notUnderstood.map(({ what }) => what)).toEqual(
    expect.arrayContaining(["UI_IMAGE_DIR", "UI_CHAT_DIR"]),
  );
});

test("of two gateways the first is migrated and the other is told", async () => {
  const files = { "/var/lib/gateway/app/.env": "GATEWAY_PORT=8800\n" };
  const trees = ["ai2", "old"].map((name) => new InMemoryTree({ host: name, files }));
  const { gateway, notUnderstood } = await takeInventory(trees);
  expect(gateway?.host).toBe("ai2");
  expect(notUnderstood).toMatchObject([{ at: { host: "old" }, what: "gateway" }]);
});
