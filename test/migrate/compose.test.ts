/** Public-style Compose projects: each is converted or told about, and the stack that comes out loads. */
import { cp, readdir } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readCatalog } from "../../src/catalog/catalog.ts";
import { type Conversion, convertCompose } from "../../src/migrate/compose/convert.ts";
import { envLine } from "../../src/migrate/compose/environment.ts";
import { findCompose } from "../../src/migrate/compose/find.ts";
import { prepareMigration, writeMigration } from "../../src/migrate/compose/migration.ts";
import { readCompose } from "../../src/migrate/compose/read.ts";
import { parseEnvFile } from "../../src/stack/dotenv.ts";
import { isRecord } from "../../src/stack/record.ts";
import { type LoadedStack, loadStack } from "../../src/stack/load.ts";
import { formatMigration, migrationDocument } from "../../src/terminal/migration.ts";
import { folderOf } from "../stack/folder.ts";

const examples = join(import.meta.dirname, "compose");
const names = (await readdir(examples)).filter((name) => !name.endsWith(".txt"));
const catalog = await readCatalog();

async function nothing(): Promise<undefined> {
  return undefined;
}

function convert(files: Readonly<Record<string, string>>): Conversion {
  const textOf = (path: string): string | undefined => files[path];
  return convertCompose(
    readCompose({ files: ["/p/compose.yaml"], textOf, environment: {} }),
    catalog,
  );
}

/** Migrates a copy of an example and loads what was written. */
async function migrated(name: string): Promise<LoadedStack> {
  await using folder = await folderOf({});
  await cp(join(examples, name), folder.path, { recursive: true });
  await writeMigration(
    await prepareMigration({ from: "compose", source: [folder.path] }, {}, nothing),
  );
  return await loadStack({ cwd: folder.path, environment: {} });
}

test("there are twenty examples at least", () => {
  expect(names.length).toBeGreaterThanOrEqual(20);
});

describe.each(names)("%s", (name) => {
  test("becomes what is written beside it, and every note names its place", async () => {
    const migration = await prepareMigration(
      { from: "compose", source: [join(examples, name)] },
      {},
      nothing,
    );
    await expect(`${formatMigration(migration)}\n`).toMatchFileSnapshot(
      join(examples, `${name}.txt`),
    );
  });

  test("leaves no key of a service unmentioned", () => {
    const project = readCompose(findCompose([join(examples, name)], {}));
    const { services, notes } = convertCompose(project, catalog);
    const silent = project.services.flatMap(({ name: service, value }) => {
      const kept = services.find(({ from }) => from === service)?.keys ?? {};
      return Object.keys(value).filter(
        (key) =>
          !(key in kept) &&
          !same.has(key) &&
          JSON.stringify(value[key]) !== "[]" &&
          !notes.some(({ path }) => path.startsWith("services.") && path.includes(`.${key}`)),
      );
    });
    expect(silent).toEqual([]);
  });

  test("loads as a stack", async () => {
    const { stack } = await migrated(name);
    expect(stack.services.length).toBeGreaterThan(0);
  });
});

/** Keys that come out under another name, or that change nothing in a stack. */
const same = new Set(
  "x-nexus extends expose networks security_opt cap_drop deploy configs environment profiles depends_on".split(
    " ",
  ),
);

test("what is said twice reads the same: short and long forms, files over files", async () => {
  const { stack } = await migrated("05-override");
  const app = stack.services.find(({ name }) => name === "app");
  expect(app).toMatchObject({
    command: ["two"],
    environment: { A: "1", B: "2" },
    labels: { "com.example.team": "a", "com.example.role": "b" },
    ports: [{ hostPort: 8080 }, { hostPort: 8443 }],
  });
});

test("secrets are written to a file of their own, and neither shown nor printed", async () => {
  const source = [join(examples, "10-secrets")];
  const migration = await prepareMigration({ from: "compose", source }, {}, nothing);
  const told = formatMigration(migration) + JSON.stringify(migrationDocument(migration, false));
  expect(told).not.toMatch(/very-secret|hunter2/);
  const { stack } = await migrated("10-secrets");
  expect(stack.services[0]).toMatchObject({
    environment: {
      API_KEY: "sk-very-secret-value",
      DATABASE_URL: "postgres://app:hunter2@db/app",
    },
  });
});

test("a secret's line in an env file reads back as it was", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (value) => {
      const [entry] = parseEnvFile(envLine("A", value), new Map()).entries;
      expect(entry?.value).toBe(value);
    }),
  );
});

test("volumes keep the names that Compose gave them", () => {
  const { volumes } = convert({
    "/p/compose.yaml":
      "name: old\nservices: {a: {image: x:1, volumes: ['data:/data', 'own:/own']}}\nvolumes: {data: , own: {name: mine}}",
  });
  expect(volumes).toEqual([
    { key: "data", name: "old_data" },
    { key: "own", name: "mine" },
  ]);
});

const snippet = fc.constantFrom(
  ..."services:|\n|  a:|  |image: x|- |${X|${X:-y}|&a |*a|<<: *a|[|]|{|}|: |ports:|volumes:|build:|deploy:|'|\"|null|1|\t|!x |extends: a|include: [compose.yaml]|networks:|secrets:|configs:|x-nexus:".split(
    "|",
  ),
);

test("readers never throw, whatever bytes they are given", () => {
  const texts = fc.oneof(
    fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes).toString("utf8")),
    fc.array(snippet, { maxLength: 40 }).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(texts, texts, (text, env) => {
      expect(convert({ "/p/compose.yaml": text, "/p/.env": env }).stack).toBeTypeOf("object");
    }),
    { numRuns: 400 },
  );
});

test("readers never throw, whatever a service says", () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, true, false, 0, -1, 1.5, "", "a:b", "1-3:1-3", "/x", "${A}", "all"),
      fc.array(tie("any"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie("any"), { maxKeys: 4 }),
    ),
  })).any;
  fc.assert(
    fc.property(value, value, (services, top) => {
      const said = {
        ...(isRecord(top) ? top : {}),
        services: { a: services, b: { image: "x:1" } },
      };
      expect(convert({ "/p/compose.yaml": JSON.stringify(said) }).stack).toBeTypeOf("object");
    }),
    { numRuns: 400 },
  );
});

const keys =
  "image build context args environment env_file path volumes type source target tmpfs ports published depends_on a b condition healthcheck test deploy resources limits memory reservations devices capabilities count device_ids restart restart_policy networks aliases secrets configs extends service file include labels cap_add cap_drop security_opt runtime gpus x-nexus profiles external internal name".split(
    " ",
  );

test("a file that is there is never overwritten, and nothing is written beside it", async () => {
  await using folder = await folderOf({ "nexus.yaml": "name: mine\n" });
  await cp(join(examples, "10-secrets"), folder.path, { recursive: true });
  const migration = await prepareMigration({ from: "compose", source: [folder.path] }, {}, nothing);
  await expect(writeMigration(migration)).rejects.toThrow("is there already");
  expect((await readdir(folder.path)).toSorted()).toEqual(["compose.yaml", "nexus.yaml"]);
});

test("!reset takes away and !override puts in place, in the file that lies over the others", async () => {
  await using folder = await folderOf({
    "a.yaml":
      "name: p\nservices:\n  web: {image: 'x:1', ports: ['127.0.0.1:8080:80'], command: [a], environment: {A: '1', B: '2'}, volumes: ['data:/data']}\n  gone: {image: 'x:1'}\n",
    "b.yaml":
      "services:\n  web:\n    ports: !override ['127.0.0.1:8443:443']\n    command: !reset null\n    environment: {A: !reset null, C: '3'}\n    volumes: !reset []\n  gone: !reset null\n",
  });
  const files = ["a.yaml", "b.yaml"].map((name) => join(folder.path, name));
  const { conversion } = await prepareMigration({ from: "compose", source: files }, {}, nothing);
  expect(conversion.services.map(({ name }) => name)).toEqual(["web"]);
  expect(conversion.services[0]?.keys).toMatchObject({
    ports: ["127.0.0.1:8443:443"],
    environment: { B: "2", C: "3" },
  });
  expect(Object.keys(conversion.services[0]?.keys ?? {})).not.toContain("command");
  expect(conversion.services[0]?.keys["volumes"]).toBeUndefined();
  expect(conversion.notes.filter(({ message }) => message.includes("YAML"))).toEqual([]);
});

test("COMPOSE_FILE names the files, with its own separator", async () => {
  await using folder = await folderOf({
    ".env": "COMPOSE_FILE=one.yaml,two.yaml\nCOMPOSE_PATH_SEPARATOR=,\n",
    "one.yaml": "services: {a: {image: 'x:1'}}\n",
    "two.yaml": "services: {a: {image: 'x:2'}}\n",
    "compose.yaml": "services: {b: {image: 'x:3'}}\n",
  });
  const wish = { from: "compose", source: [folder.path] } as const;
  const { conversion } = await prepareMigration(wish, {}, nothing);
  expect(conversion.stack["services"]).toMatchObject({ a: { image: "x:2" } });
  const missing = { COMPOSE_FILE: "none.yaml" };
  await expect(prepareMigration(wish, missing, nothing)).rejects.toThrow("no Compose file");
});
