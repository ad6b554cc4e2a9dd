import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { inspect } from "node:util";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { takeInventory } from "../../../src/migrate/ai-infra/take-inventory.ts";
import type { FoundService, Inventory } from "../../../src/migrate/inventory.ts";
import { Secret } from "../../../src/migrate/secret.ts";
import { copiedTrees } from "../../../src/migrate/source/local.ts";
import { buildAiInfra, type AiInfra } from "../../support/ai-infra/ai-infra.ts";
import { rowsOf } from "../../support/ai-infra/databases.ts";
import { ollamaStore } from "../../support/ai-infra/ollama.ts";
import { allSecrets } from "../../support/ai-infra/secrets.ts";
import { hashFolder } from "../../support/hash-folder.ts";

const now = new Date("2026-02-01T00:00:00Z");
let root = "";
let fixture: AiInfra;
let inventory: Inventory;
let before = "";

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "nexus-inventory-"));
  fixture = await buildAiInfra(join(root, "hosts"), { databases: "live" });
  before = await hashFolder(fixture.root);
  inventory = await takeInventory(await copiedTrees(fixture.root), now);
});

afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

test("taking an inventory changes no byte of the source, though a gateway is writing to it", async () => {
  expect(await hashFolder(fixture.root)).toBe(before);
});

test("no secret is anywhere in it", () => {
  const text = JSON.stringify(inventory) + inspect(inventory, { depth: 20 });
  for (const secret of allSecrets(fixture.secrets)) expect(text).not.toContain(secret);
});

test("the three hosts are found with all names that mean them", () => {
  expect(inventory.hosts.map(({ name, os, names }) => [name, os, names])).toEqual([
    ["ada2", "linux", ["ada2", "ada2.local"]],
    ["ai1", "linux", ["ai1", "ai1.local"]],
    ["ai2", "macos", ["ai2", "ai2.local"]],
  ]);
  expect(inventory.hosts.map(({ roles }) => roles.length)).toEqual([2, 1, 4]);
});

test("the gateway is found with its settings, comments and line ends understood", () => {
  expect(inventory.gateway).toMatchObject({
    host: "ai2",
    unit: { manager: "launchd", name: "com.ai.gateway" },
    // The job's options win over the settings, which say 127.0.0.1.
    listens: { address: "0.0.0.0", port: 8800 },
    tls: {
      certificate: { value: "/etc/ssl/certs/server.crt" },
      key: { value: "/etc/ssl/private/server.key" },
    },
    observability: { address: "127.0.0.1", port: 8801 },
    maxRequestBytes: { value: 1_000_000, at: { line: 12 } },
    ipAllowlist: { value: ["127.0.0.1", "10.10.22.0/24"] },
    metrics: { value: true },
    requestLog: { value: true },
  });
  expect(inventory.gateway?.carried).toMatchObject({
    "memory.MEMORY_TOP_K": { value: "6" },
    "tools.TOOLS_ALLOW_SHELL": { value: "false" },
    "music.HEARTMULA_TIMEOUT_SEC": { value: "600" },
    "ui.PUBLIC_BASE_URL": { value: "https://ai2:8800", at: { file: daemon("com.ai.gateway") } },
  });
});

test("routing, aliases in every spelling and the embeddings' model are found", () => {
  expect(inventory.routing).toMatchObject({
    defaultBackend: { value: "ollama" },
    policy: { value: true },
    longContextChars: { value: 30_000 },
    models: { "ollama.strong": { value: "llama3.3:70b" }, "ollama.fast": { value: "qwen2.5:7b" } },
    embeddings: { value: { backend: "ollama", model: "nomic-embed-text" } },
  });
  expect(
    inventory.aliases.map(({ name, backend, model }) => `${name} ${backend} ${model}`),
  ).toEqual([
    "default ollama llama3.3:70b",
    "fast ollama qwen2.5:7b",
    "coder ollama qwen2.5-coder:32b",
    "long ollama qwen3:30b",
    "giant ollama qwen3:235b",
    "tiny ollama llama3.2:1b",
    "sketch mlx mlx-community/gemma-2-2b-it-8bit",
    "lost gpu_gone nothing",
  ]);
  expect(inventory.aliases.find(({ name }) => name === "sketch")).toMatchObject({
    context: 8192,
    maxTokens: 512,
    temperature: 0.3,
  });
});

test("tokens that clients use are found as digests; placeholders, revoked and expired ones are refused", () => {
  const { admin, automation, plain, apiKeys } = fixture.secrets;
  const carried = inventory.tokens.filter(({ refused }) => refused === undefined);
  expect(carried.map(({ digest }) => digest)).toEqual(
    [admin, automation, plain, apiKeys[0]].map((token) => new Secret(token).digest()),
  );
  expect(carried.map(({ name, kind }) => `${kind} ${name}`)).toEqual([
    "token ai-infra-1",
    "token ai-infra-2",
    "token ai-infra-3",
    "api-key ada.my-laptop",
  ]);
  expect(carried[1]?.policy).toMatchObject({ maxRequestBytes: 250_000 });
  expect(inventory.tokens.filter(({ refused }) => refused)).toHaveLength(5);
});

test("users, rows and dimensions are those of the live databases, their logs included", () => {
  expect(inventory.users.map(({ name, admin, disabled }) => [name, admin, disabled])).toEqual([
    ["ada", true, false],
    ["brian", false, false],
    ["carol", false, true],
  ]);
  expect(inventory.databases).toMatchObject([
    { name: "memory", rows: rowsOf.memory, embeddings: { 768: 14, 1024: 5 } },
    { name: "users", rows: { ...rowsOf.users, ...rowsOf.keys } },
  ]);
});

test("everything in the data folder is kept under what it is, and backups of settings are not", () => {
  expect(inventory.files.map(({ what, files }) => `${what} ${files}`)).toEqual([
    "images 2",
    "files 1",
    "audio 1",
    "chats 1",
    "voice-library 2",
    "request-log 1",
    "tool-log 2",
    "agent-runs 2",
    "releases 2",
    "tools-registry 1",
    "agent-specs 1",
    "other 1",
    "telegram 1",
  ]);
  expect(inventory.files.filter(({ secret }) => secret).map(({ what }) => what)).toEqual([
    "telegram",
  ]);
  expect(JSON.stringify(inventory)).not.toMatch(/\.bak\.|example\.backup|OLD_SETTING/);
});

test("every service is found on its host, the same software on two hosts twice", () => {
  const all = inventory.services.map(({ host, name }) => `${host} ${name}`);
  expect(all.filter((each) => each.startsWith("ada2"))).toHaveLength(12);
  expect(all.filter((each) => each.endsWith(" ollama"))).toEqual(["ada2 ollama", "ai1 ollama"]);
  expect(all).toEqual(expect.arrayContaining(["ai2 mlx", "ai2 telegram-bot", "ai2 pocket-tts"]));
  expect(service("ada2", "skyreels-v2")).toMatchObject({
    template: "skyreels",
    provides: ["video"],
    listens: { address: "0.0.0.0", port: 9190 },
  });
});

test("units, jobs and drop-ins say what starts a service, where it listens and what it serves", () => {
  expect(service("ai1", "ollama")).toMatchObject({
    unit: { manager: "systemd", name: "ollama.service" },
    at: { file: "/etc/systemd/system/ollama.service" },
    listens: { address: "0.0.0.0", port: 11_434 },
    settings: { OLLAMA_KEEP_ALIVE: { value: "30m" }, OLLAMA_NUM_PARALLEL: { value: "2" } },
  });
  expect(service("ai1", "ollama")?.settings).not.toHaveProperty("PATH");
  expect(service("ai2", "mlx")).toMatchObject({
    unit: { manager: "launchd", name: "com.mlx.openai.server" },
    models: ["mlx-community/Qwen2.5-7B-Instruct-4bit"],
    settings: {},
  });
  expect(service("ada2", "invokeai-openai-images-shim")?.listens).toEqual({
    address: "0.0.0.0",
    port: 7860,
  });
  expect(service("ada2", "invokeai")?.listens).toEqual({ address: "127.0.0.1", port: 9090 });
  expect(service("ai2", "nexa")?.listens).toEqual({ address: "127.0.0.1", port: 18_181 });
  const units = inventory.services.filter(({ unit }) => unit === undefined);
  expect(units.map(({ name }) => name)).toEqual([]);
});

test("a store says which of its models are whole", () => {
  const store = inventory.models.find(({ host }) => host === "ai1");
  expect(store).toMatchObject({ service: "ollama", format: "ollama", path: ollamaStore });
  expect(
    Object.fromEntries(store?.models.map(({ name, complete }) => [name, complete]) ?? []),
  ).toEqual({
    "hf.co/bartowski/Llama-3.2-1B-Instruct-GGUF:latest": true,
    "llama3.2:1b": false,
    "llama3.3:70b": true,
    "nomic-embed-text:latest": true,
    "qwen2.5-coder:32b": true,
    "qwen2.5:7b": true,
    "qwen3:235b": false,
    "qwen3:30b": true,
  });
  expect(service("ai1", "ollama")?.models).toHaveLength(8);
  expect(
    inventory.models.map(({ host, service: of, format }) => `${host} ${of} ${format}`),
  ).toEqual([
    "ada2 ollama ollama",
    "ada2 invokeai files",
    "ada2 heartmula files",
    "ada2 sdxl-turbo huggingface",
    "ai1 ollama ollama",
    "ai2 mlx huggingface",
  ]);
});

test("settings of services keep spaces, JSON and line ends apart, and secrets to themselves", () => {
  const shim = service("ada2", "invokeai-openai-images-shim")?.settings;
  expect(shim?.["INVOKEAI_DEFAULT_MODEL"]?.value).toBe("Juggernaut XL v9");
  expect(String(shim?.["SHIM_MODEL_PRESETS_JSON"]?.value)).toMatch(/^\{"gpu_fast".*\}\}$/);
  const token = service("ada2", "sdxl-turbo")?.settings["HF_TOKEN"]?.value;
  expect(token).toBeInstanceOf(Secret);
  expect(token instanceof Secret && token.reveal()).toBe(fixture.secrets.huggingFace);
});

test("addresses are found with their settings, those of backends filled in", () => {
  const urls = inventory.urls.map(({ value: { setting, url } }) => `${setting} ${url}`);
  expect(urls).toEqual(
    expect.arrayContaining([
      "OLLAMA_BASE_URL http://ai1:11434",
      "QWEN3_TTS_BASE_URL http://ada2.local:9175",
      "backends.heartmula_music.base_url http://ada2:9920",
      "INVOKEAI_BASE_URL http://127.0.0.1:9090",
    ]),
  );
});

test.each([
  ["/var/lib/mlx/mlx.env", "com.mlx.openai.server of ai2 does not read"],
  ["/var/lib/nexa/nexa.env", "com.nexa.image.server of ai2 does not read"],
  ["/etc/ollama/ollama.env", "ollama.service of ada2 does not read"],
  ["/var/lib/invokeai/invokeai.env", "says 7860, but it is started on port 9090"],
  [daemon("com.ai.gateway.redirect"), "leads port 80 to the old gateway's port"],
  ["/etc/luxtts/luxtts.env", "luxtts of ada2 asks itself"],
  ["/etc/qwen3-tts/qwen3-tts.env", "qwen3-tts of ada2 asks itself"],
  ["/etc/iptables/rules.v4", "do not protect ports that containers publish"],
  ["/var/lib/gateway/app/.env", "GATEWAY_BEARER_TOKENS has a placeholder"],
  ["/var/lib/gateway/app/tools_registry.json", "heartmula_generate names files of the old host"],
])("what looks wrong in %s is told: %s", (file, text) => {
  const warnings = inventory.warnings.filter(({ at }) => at.file === file);
  expect(warnings.map(({ value }) => value).join("\n")).toContain(text);
});

test("hosts.yaml is a hint: what it says and is not so is told", () => {
  const warnings = inventory.warnings.filter(({ at }) => at.file.endsWith("hosts.yaml"));
  expect(warnings.map(({ value }) => value)).toEqual([
    expect.stringContaining("ai2 runs librechat"),
    expect.stringContaining("ai2 runs heartmula"),
  ]);
});

test("what could not be used is told with its line", () => {
  const told = inventory.notUnderstood.map(({ at, what }) => `${at.file}:${at.line} ${what}`);
  expect(told).toEqual(
    expect.arrayContaining([
      "/var/lib/gateway/app/.env:22 OLLAMA_MODEL_STRONG",
      "/var/lib/gateway/app/.env:56 HOUSE_RULE",
      "/var/lib/gateway/app/.env:57 line 57",
      "/var/lib/gateway/app/model_aliases.json:46 aliases.hollow",
      "/var/lib/heartmula/output:undefined the folder",
      `${daemon("com.heartmula")}:undefined com.heartmula`,
      `${ollamaStore}/manifests/registry.ollama.ai/library/qwen3/235b:undefined the file`,
    ]),
  );
});

/** Where launchd's job of that label is described. */
function daemon(label: string): string {
  return `/Library/LaunchDaemons/${label}.plist`;
}

function service(host: string, name: string): FoundService | undefined {
  return inventory.services.find((each) => each.host === host && each.name === name);
}
