/** What the ancestor's gateway kept goes along: found, planned, and read out of folders and volumes. */
import { spawn, spawnSync } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Duplex, Readable } from "node:stream";
import { expect, test } from "vitest";
import { readCatalog } from "../../src/catalog/catalog.ts";
import type { Containers, TakenFile } from "../../src/engine/engine.ts";
import { prepareMigration } from "../../src/migrate/compose/migration.ts";
import { planMove } from "../../src/migrate/nexus-compose/plan-move.ts";
import { prepareMove } from "../../src/migrate/nexus-compose/prepare-move.ts";
import { contentChecksum } from "../../src/migrate/source/databases.ts";
import { folderOf } from "../stack/folder.ts";
import { rowsOf, writeMemory, writeUsers } from "../support/ai-infra/databases.ts";
import { defaultSecrets } from "../support/ai-infra/secrets.ts";
import { foreign, observedOf } from "../support/builders.ts";

const composeFile = (mount: string): string => `name: nexus
services:
  gateway:
    build: ./services/gateway
    environment: [MEMORY_DB_PATH=/data/memory.sqlite, USER_DB_PATH=/data/users.sqlite]
    volumes: ["${mount}:/data"]
  ollama: {image: "ollama/ollama:latest", environment: {HF_TOKEN: hf_abcdefghijklmnopqrstuvwxyz}}
`;

const settings =
  'GATEWAY_BEARER_TOKEN=the-old-token-0123\nMODEL_ALIASES_JSON={"fast":"ollama:m"}\n';

/** A project whose gateway had its data in a folder, with writers that have not left. */
async function project(mount = "./.runtime/gateway/data") {
  const folder = await folderOf({ "docker-compose.yml": composeFile(mount), ".env": settings });
  const data = join(folder.path, ".runtime/gateway/data");
  await mkdir(join(data, "voice_library"), { recursive: true });
  await writeFile(join(data, "voice_library/ada_1.wav"), "RIFF");
  const writers = [writeMemory(data), writeUsers(data, "with-keys", defaultSecrets)];
  return {
    path: folder.path,
    data,
    async [Symbol.asyncDispose]() {
      for (const writer of writers) writer.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const read = (path: string, containers: Parameters<typeof observedOf>[0] = {}) =>
  prepareMigration({ from: "nexus-compose", source: [path] }, {}, async () =>
    observedOf(containers),
  );

/** Moves with what an engine has; closes the trees. */
async function moveOf(
  path: string,
  containers: Pick<Containers, "take" | "exec"> | undefined,
  state = "exited",
) {
  const compose = { project: "nexus", service: "gateway", directory: path, files: [] };
  const running = state === "running";
  const migration = await read(path, {
    foreign: [foreign("nexus-gateway", { owner: "nexus", compose, running })],
  });
  const { ancestor } = migration;
  if (!ancestor) throw new Error("no ancestor");
  return prepareMove(migration, ancestor, containers && { containers: containers as Containers });
}

test("users, keys, databases and files of a folder are found, and the plan moves each of them", async () => {
  await using old = await project();
  const { plan, inventory, trees } = await moveOf(old.path, undefined);
  expect(plan.keys.map(({ record }) => record.name)).toContain("gateway-token");
  expect(plan.keys.length).toBeGreaterThan(1);
  expect(inventory.users.length).toBeGreaterThan(0);
  expect(plan.data.map(({ what }) => what)).toEqual(
    expect.arrayContaining(["memory database", "users database", "voice-library"]),
  );
  expect(plan.steps.map(({ kind }) => kind)).toEqual([
    "ignore-secrets",
    "backup-database",
    "backup-database",
    "fetch-files",
    "write-file",
    "carry",
    "place-file",
    "up",
    "add-keys",
    "add-users",
    "verify",
  ]);
  expect(plan.aliases).toEqual([{ name: "fast", targets: ["ollama/m"] }]);
  expect(plan.obstacles).toEqual([]);
  for (const secret of ["the-old-token-0123", "hf_abcdefghijklmnopqrstuvwxyz"])
    expect(JSON.stringify({ plan, inventory })).not.toContain(secret);
  const [project_] = trees;
  expect(project_?.unread()).toEqual([]);
  for (const tree of trees) await tree[Symbol.asyncDispose]();
});

const registry = JSON.stringify({
  tools: [
    {
      name: "draw",
      version: "1",
      description: "Draws.",
      parameters: { type: "object" },
      exec: { type: "subprocess", argv: ["python3", "/var/lib/gateway/tools/draw.py"] },
    },
  ],
});

/** The folder of settings, as the later compose files mount it. */
async function withConfig(old: Readonly<{ path: string }>, mount: string) {
  const config = join(old.path, ".runtime/gateway/config");
  await mkdir(config, { recursive: true });
  await writeFile(join(config, "tools_registry.json"), registry);
  await writeFile(join(config, "agent_specs.json"), "{ nothing");
  await writeFile(join(config, "model_aliases.json"), "{}");
  const text = composeFile("./.runtime/gateway/data").replace(
    '/data"]',
    `/data", "${mount}:/var/lib/gateway/config:ro"]`,
  );
  await writeFile(join(old.path, "docker-compose.yml"), text);
  return config;
}

const carriedOf = (data: readonly Readonly<{ what: string; host: string; active: boolean }>[]) =>
  data.filter(({ host }) => host === "config").map(({ what, active }) => [what, active]);

test("the old gateway's folder of settings is carried, tools of the old host and broken files are told", async () => {
  await using old = await project();
  await withConfig(old, "./.runtime/gateway/config");
  const { plan, trees } = await moveOf(old.path, undefined);
  expect(carriedOf(plan.data)).toEqual([
    ["agent-specs", false],
    ["model-aliases", false],
    ["tools-registry", false],
  ]);
  expect(plan.warnings.map(({ value }) => value)).toContainEqual(
    expect.stringMatching(/^The tool draw names files of the old host/),
  );
  expect(plan.notUnderstood.map(({ at }) => at.file)).toContain(
    "/var/lib/gateway/config/agent_specs.json",
  );
  for (const tree of trees) await tree[Symbol.asyncDispose]();
});

test("a volume of settings is read through the old gateway's container, and told where that is gone", async () => {
  await using old = await project();
  const config = await withConfig(old, "gateway_config");
  const engine: Pick<Containers, "take" | "exec"> = {
    async *take(_, path): AsyncGenerator<TakenFile> {
      expect(path).toBe("/var/lib/gateway/config");
      const content = await readFile(join(config, "tools_registry.json"));
      const file = "config/tools_registry.json";
      yield { path: file, bytes: content.length, content: Readable.from([content]) };
    },
    exec: () => Promise.reject(new Error("nothing runs there")),
  };
  const { plan, trees } = await moveOf(old.path, engine);
  expect(carriedOf(plan.data)).toEqual([["tools-registry", false]]);
  const without = await moveOf(old.path, undefined);
  expect(without.plan.notUnderstood.map(({ what }) => what)).toContain(
    "the old gateway's folder of settings",
  );
  for (const tree of [...trees, ...without.trees]) await tree[Symbol.asyncDispose]();
});

test("a project that runs is not moved, and a stack file that is there is not written over", async () => {
  await using old = await project();
  await writeFile(join(old.path, "nexus.yaml"), "name: mine\n");
  const { plan, trees } = await moveOf(old.path, undefined, "running");
  expect(plan.obstacles).toEqual([
    expect.stringContaining("nexus-gateway still run"),
    `${join(old.path, "nexus.yaml")} is there already: move it away.`,
  ]);
  for (const tree of trees) await tree[Symbol.asyncDispose]();
});

test("the room beside the stack file is known, and data that do not fit there are an obstacle", async () => {
  await using old = await project();
  const migration = await read(old.path);
  const { plan, inventory, trees } = await moveOf(old.path, undefined);
  expect(plan.space.freeForStaging).toBeGreaterThan(plan.space.staging);
  const { conversion, file, text } = migration;
  const parts = { conversion, file, text, running: [], inTheWay: [], freeBytes: 1 };
  const full = planMove(inventory, parts, await readCatalog());
  expect(full.obstacles).toEqual([
    expect.stringMatching(/^There is no room for the old data in .* and 1 are free\. Make room\.$/),
  ]);
  for (const tree of trees) await tree[Symbol.asyncDispose]();
});

/** An engine that has these files in the volume. */
function volume(folder: string, names: readonly string[]): Pick<Containers, "take" | "exec"> {
  return {
    async *take(_, path): AsyncGenerator<TakenFile> {
      expect(path).toBe("/data");
      for (const name of names) {
        const content = await readFile(join(folder, name));
        yield { path: `data/${name}`, bytes: content.length, content: Readable.from([content]) };
      }
    },
    exec: () => Promise.reject(new Error("nothing runs there")),
  };
}

const inVolume = [
  "memory.sqlite",
  "memory.sqlite-wal",
  "users.sqlite",
  "users.sqlite-wal",
  "voice_library/ada_1.wav",
];

test("a volume of a stopped gateway is read with what stands in the logs of its databases", async () => {
  await using old = await project("gateway_data");
  const { plan, trees } = await moveOf(old.path, volume(old.data, inVolume));
  expect(plan.users.length).toBeGreaterThan(0);
  const tree = trees.find(({ host }) => host === "gateway");
  const copy = join(old.path, "copy.sqlite");
  await tree?.backup("/var/lib/gateway/data/memory.sqlite", copy);
  for (const table of ["memory", "memory_v2"])
    expect(await contentChecksum(copy, table)).toBe(
      await contentChecksum(join(old.data, "memory.sqlite"), table),
    );
  for (const each of trees) await each[Symbol.asyncDispose]();
});

/** Runs in a container what is meant for it: this machine's Python, on the folder that is its volume. */
function executing(folder: string, program = "python3"): Containers["exec"] {
  return async (_, [, ...words]) => {
    const own = words.map((word) => word.replace(/^\/data\//, `${folder}/`));
    const child = spawn(program, own);
    child.stdin.on("error", () => undefined);
    const exitCode = new Promise<number>((resolve) => {
      child.once("close", (code) => resolve(code ?? 1));
    });
    const stdin = Duplex.from({ writable: child.stdin, readable: Readable.from([]) });
    const { stdout, stderr } = child;
    return { stdin, stdout, stderr, exitCode, resize: async () => undefined };
  };
}

const hasPython = spawnSync("python3", ["-c", "import sqlite3"]).status === 0;

test.skipIf(!hasPython)(
  "databases of a running gateway are copied by itself, and not file by file",
  async () => {
    await using old = await project("gateway_data");
    // Files of different moments: the log is missing, and what it holds with it.
    const torn = volume(old.data, ["memory.sqlite", "users.sqlite"]);
    const engine = { ...torn, exec: executing(old.data) };
    const { inventory, trees } = await moveOf(old.path, engine, "running");
    expect(inventory.databases.map(({ name, rows }) => [name, rows?.["memory_v2"]])).toEqual([
      ["memory", rowsOf.memory.memory_v2],
      ["users", undefined],
    ]);
    expect(inventory.tokens.map(({ kind }) => kind)).toContain("api-key");
    for (const each of trees) await each[Symbol.asyncDispose]();
  },
);

test("a running gateway that cannot copy its databases is told, and nothing is taken from torn files", async () => {
  await using old = await project("gateway_data");
  const engine = { ...volume(old.data, inVolume), exec: executing(old.data, "false") };
  const { plan, inventory, trees } = await moveOf(old.path, engine, "running");
  expect(inventory.databases).toEqual([]);
  expect(plan.notUnderstood.map(({ at, why }) => `${at.file} ${why}`)).toContainEqual(
    expect.stringMatching(/memory\.sqlite .*stop it, and run this again/),
  );
  for (const each of trees) await each[Symbol.asyncDispose]();
});

test("a volume that nobody can read is not left behind by oversight", async () => {
  await using old = await project("gateway_data");
  const labels = {
    "com.docker.compose.project": "nexus",
    "com.docker.compose.volume": "gateway_data",
  };
  const kept = { name: "nexus_gateway_data", driver: "local", labels, createdAt: "" };
  const migration = await read(old.path, { volumes: [kept] });
  if (!migration.ancestor) throw new Error("no ancestor");
  const { plan, trees } = await prepareMove(migration, migration.ancestor, undefined);
  expect(plan.obstacles).toEqual([
    expect.stringMatching(/^The volume nexus_gateway_data .*docker compose create gateway/),
  ]);
  for (const tree of trees) await tree[Symbol.asyncDispose]();
});

test("a volume whose container is gone is told, with the command that lets it be read", async () => {
  await using old = await project("gateway_data");
  const migration = await read(old.path);
  if (!migration.ancestor) throw new Error("no ancestor");
  const { plan, trees } = await prepareMove(migration, migration.ancestor, undefined);
  expect(plan.notUnderstood.map(({ why }) => why).join()).toContain(
    "docker compose create gateway",
  );
  expect(plan.keys.map(({ record }) => record.name)).toEqual(["gateway-token"]);
  for (const tree of trees) await tree[Symbol.asyncDispose]();
});

test("the project's databases are as they were", async () => {
  await using old = await project();
  const before = await readFile(join(old.data, "users.sqlite-wal"));
  const { trees } = await moveOf(old.path, undefined);
  for (const tree of trees) await tree[Symbol.asyncDispose]();
  expect(await readFile(join(old.data, "users.sqlite-wal"))).toEqual(before);
  using database = new DatabaseSync(join(old.data, "users.sqlite"));
  expect(database.prepare("SELECT count(*) AS n FROM users").get()?.["n"]).toBeGreaterThan(0);
});
