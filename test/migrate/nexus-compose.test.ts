/** The compose files of Nexus's ancestor become stacks, with its gateway's address, tokens and aliases. */
import { chmod, cp, readFile, stat } from "node:fs/promises";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { prepareMigration, writeMigration } from "../../src/migrate/compose/migration.ts";
import type { Origin } from "../../src/migrate/projects.ts";
import { loadStack } from "../../src/stack/load.ts";
import { formatMigration, migrationDocument } from "../../src/terminal/migration.ts";
import { folderOf } from "../stack/folder.ts";

const examples = join(import.meta.dirname, "nexus-compose");

const prepare = (source: readonly string[], from: Origin = "nexus-compose") =>
  prepareMigration({ from, source }, {}, async () => undefined);

/** The Compose files of a folder, the gateway's first. */
function filesIn(folder: string): readonly string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".yml"));
  const first = names.filter((name) => name.includes("gateway"));
  return [...first, ...names.filter((name) => !first.includes(name))].map((name) =>
    join(folder, name),
  );
}

/** Migrates the files of a small project of this kind. */
async function migrated(files: Readonly<Record<string, string>>, from?: Origin) {
  await using folder = await folderOf(files);
  const migration = await prepare([folder.path], from);
  return { ...migration, told: formatMigration(migration) };
}

const gateway = (rest: string): string =>
  `name: nexus\nservices: {gateway: {build: ./services/gateway, ${rest}}, ollama: {image: "ollama/ollama:latest"}}\n`;

describe.each(["seed", "later"])("%s", (name) => {
  test("becomes what is written beside it, and every note names its place", async () => {
    const migration = await prepare([join(examples, name)]);
    await expect(`${formatMigration(migration)}\n`).toMatchFileSnapshot(
      join(examples, `${name}.txt`),
    );
  });

  test("loads as a stack, and its tokens are in files that only their owner reads", async () => {
    await using folder = await folderOf({});
    await cp(join(examples, name), folder.path, { recursive: true });
    const migration = await prepare(filesIn(folder.path), "compose");
    const { secretFiles } = migration.conversion;
    await writeMigration(migration);
    const { stack } = await loadStack({ cwd: folder.path, environment: {} });
    expect(stack.services.map((service) => service.name)).toContain("ollama");
    expect(secretFiles.length).toBeGreaterThan(0);
    for (const { path, text } of secretFiles) {
      const place = join(folder.path, path);
      expect((await stat(place)).mode & 0o777).toBe(0o600);
      expect(await readFile(place, "utf8")).toBe(text);
    }
  });

  test("shows no token, neither to people nor to programs", async () => {
    const migration = await prepare(filesIn(join(examples, name)), "compose");
    const told = formatMigration(migration) + JSON.stringify(migrationDocument(migration, false));
    const tokens = migration.conversion.secretFiles.map(({ text }) => text.trim());
    expect(tokens.filter((token) => told.includes(token))).toEqual([]);
  });
});

test("it is recognised when it is called a Compose project", async () => {
  const one = await prepare([join(examples, "seed")], "compose");
  const other = await prepare([join(examples, "seed")]);
  expect(one.conversion.stack).toEqual(other.conversion.stack);
});

test("components can be named one by one, and the first one's folder is the project's", async () => {
  const files = ["gateway", "tts"].map((part) =>
    join(examples, "later", `docker-compose.${part}.yml`),
  );
  const { conversion, file } = await prepare(files);
  expect(conversion.services.map(({ name }) => name)).toEqual(["tts"]);
  expect(file).toBe(join(examples, "later", "nexus.yaml"));
});

test("the address of the old gateway is the new one's", async () => {
  const ports = '["127.0.0.1:9800:8800", {target: 8801, published: 9801, host_ip: 127.0.0.1}]';
  const { conversion } = await migrated({ "docker-compose.yml": gateway(`ports: ${ports}`) });
  expect(conversion.stack["gateway"]).toEqual({ port: 9800, observability_port: 9801 });
});

test("a token that everybody knows is refused, and the way out is told", async () => {
  const environment = "environment: ['GATEWAY_BEARER_TOKEN=change-me-in-production']";
  const { conversion, told } = await migrated({ "docker-compose.yml": gateway(environment) });
  expect(conversion.secretFiles).toEqual([]);
  expect(told).toContain("GATEWAY_BEARER_TOKEN: is a token that everybody knows");
});

test("limits of tokens go on as limits of keys, each token's own before the gateway's", async () => {
  const policies = `{"second-token-0123":{"ip_allowlist":"10.1.2.3","max_request_bytes":1048576,"tools_allow_shell":false}}`;
  const { conversion, told } = await migrated(
    {
      "docker-compose.yml": gateway("environment: {}"),
      ".env": `GATEWAY_BEARER_TOKENS=first-token-0123,second-token-0123\nIP_ALLOWLIST=10.0.0.0/8\nGATEWAY_TOKEN_POLICIES_JSON='${policies}'\n`,
    },
    "compose",
  );
  expect(conversion.afterUp).toEqual([
    "nexus keys add gateway-token --existing --allow-ip 10.0.0.0/8",
    "nexus keys add gateway-token-2 --existing --allow-ip 10.1.2.3 --max-request-bytes 1048576",
  ]);
  expect(told).toContain(".env:3  GATEWAY_TOKEN_POLICIES_JSON: limits tools");
  expect(told).not.toContain("second-token");
});

test("aliases come from the setting first, and those that lead nowhere are told", async () => {
  const aliases = `'{"quick":"ollama:llama3.2:3b","lost":"mlx-coder:x","loud":{"backend":"ollama","model":"m","temperature_cap":0.5}}'`;
  const { conversion, told } = await migrated({
    "docker-compose.yml": gateway("environment: {}"),
    ".env": `MODEL_ALIASES_JSON=${aliases}\n`,
  });
  expect(conversion.stack["gateway"]).toMatchObject({
    aliases: { quick: { to: "ollama/llama3.2:3b" }, loud: { to: "ollama/m", temperature: 0.5 } },
  });
  expect(told).toContain('.env:1  MODEL_ALIASES_JSON: the alias "lost" leads to mlx-coder');
});

test("settings that are no JSON are told and do no harm", async () => {
  const { told } = await migrated({
    "docker-compose.yml": gateway(
      "environment: {MODEL_ALIASES_JSON: '{broken', MLX_BASE_URL: '::'}",
    ),
  });
  expect(told).toContain("MODEL_ALIASES_JSON: ");
});

test("nothing is changed in the folder that is read", async () => {
  await using folder = await folderOf({ "docker-compose.yml": gateway("environment: {}") });
  await chmod(join(folder.path, "docker-compose.yml"), 0o400);
  const before = await stat(folder.path);
  await prepare([folder.path]);
  expect((await stat(folder.path)).mtimeMs).toBe(before.mtimeMs);
});
