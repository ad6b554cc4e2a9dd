import { hash } from "node:crypto";
import { lstat, mkdtemp, readdir, readFile, readlink, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { execa } from "execa";
import { parseBuffer } from "bplist-parser";
import { parse } from "plist";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildAiInfra, gatewayDataPath, type AiInfra } from "../../support/ai-infra/ai-infra.ts";
import { rowsOf } from "../../support/ai-infra/databases.ts";
import { ollamaStore } from "../../support/ai-infra/ollama.ts";

let root = "";
let live: AiInfra;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "nexus-ai-infra-"));
  live = await buildAiInfra(join(root, "live"), { databases: "live" });
});

afterAll(async () => {
  await live[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

const on = (path: string) => join(live.hosts.ai2, path);

test("the live databases have rows that stand in their logs alone", async () => {
  for (const name of ["memory", "users"]) {
    const path = on(`${gatewayDataPath}/${name}.sqlite`);
    expect((await stat(`${path}-wal`)).size).toBeGreaterThan(1000);
  }
  expect(count(on(`${gatewayDataPath}/memory.sqlite`), "memory_v2")).toBe(rowsOf.memory.memory_v2);
  expect(count(on(`${gatewayDataPath}/users.sqlite`), "user_api_keys")).toBe(3);
});

test("a crashed gateway leaves its logs, one that was stopped leaves none, and both have all rows", async () => {
  const crashed = await small("crashed", { users: "without-admin" });
  const closed = await small("closed", { users: "plain" });
  expect(await names(crashed, gatewayDataPath)).toContain("users.sqlite-wal");
  expect(await names(closed, gatewayDataPath)).not.toContain("users.sqlite-wal");
  for (const fixture of [crashed, closed])
    expect(count(join(fixture.hosts.ai2, gatewayDataPath, "users.sqlite"), "users")).toBe(3);
  expect(columns(crashed)).not.toContain("admin");
  expect(columns(closed)).toContain("admin");
});

test("one property list is binary, the others are XML, and all are read by readers that are not ours", async () => {
  const daemons = on("/Library/LaunchDaemons");
  const mlx = await readFile(join(daemons, "com.mlx.openai.server.plist"));
  expect(mlx.subarray(0, 8).toString()).toBe("bplist00");
  expect(parseBuffer(mlx)).toEqual([
    expect.objectContaining({ Label: "com.mlx.openai.server", RunAtLoad: true }),
  ]);
  const gateway = await readFile(join(daemons, "com.ai.gateway.plist"), "utf8");
  expect(parse(gateway)).toMatchObject({ Label: "com.ai.gateway", UserName: "gateway" });
});

test("every blob is called by its digest, and manifests name blobs of that size", async () => {
  const store = join(live.hosts.ai1, ollamaStore);
  const blobs = await readdir(join(store, "blobs"));
  for (const blob of blobs.filter((name) => !name.endsWith("-partial")))
    expect(`sha256-${hash("sha256", await readFile(join(store, "blobs", blob)))}`).toBe(blob);
  const library = join(store, "manifests/registry.ollama.ai/library");
  const manifest = JSON.parse(await readFile(join(library, "qwen2.5/7b"), "utf8")) as {
    layers: readonly { digest: string; size: number }[];
  };
  for (const { digest, size } of manifest.layers)
    expect((await stat(join(store, "blobs", digest.replace(":", "-")))).size).toBe(size);
  expect((await stat(join(library, "qwen3/235b"))).size).toBe(0);
});

test("links are as on the hosts: the release's is absolute, a Mac's /var is none of its own", async () => {
  expect(await readlink(on(`${gatewayDataPath}/releases/latest.json`))).toMatch(/^\/var\/lib\//);
  expect((await lstat(on("/var"))).isSymbolicLink()).toBe(true);
});

test("the settings have their traps, and are their owner's alone", async () => {
  const path = on("/var/lib/gateway/app/.env");
  const text = await readFile(path, "utf8");
  expect(text).toContain("DEFAULT_BACKEND=ollama   # ollama|mlx");
  expect(text).toContain("\r\n");
  expect(text).toContain("export HEARTMULA_BASE_URL=");
  expect(text.match(/^OLLAMA_MODEL_STRONG=/gm)).toHaveLength(2);
  expect((await stat(path)).mode & 0o777).toBe(0o640);
});

test("the registry of tools is valid beside an invalid one, or invalid itself", async () => {
  const app = "/var/lib/gateway/app";
  const broken = await small("broken", { invalidRegistry: true });
  const read = (fixture: AiInfra, name: string) =>
    readFile(join(fixture.hosts.ai2, app, name), "utf8");
  expect(JSON.parse(await read(live, "tools_registry.json"))).toHaveProperty("tools");
  for (const text of [
    await read(live, "tools_registry.json.example.backup"),
    await read(broken, "tools_registry.json"),
  ])
    expect(() => void JSON.parse(text)).toThrow(SyntaxError);
});

test("the program builds it as well", async () => {
  const program = join(import.meta.dirname, "../../support/ai-infra/main.ts");
  await execa(process.execPath, [program, join(root, "program"), "small"]);
  expect(await readdir(join(root, "program"))).toEqual(["ai1", "ai2"]);
});

function small(folder: string, options: Parameters<typeof buildAiInfra>[1]): Promise<AiInfra> {
  const databases = folder === "crashed" ? "crashed" : "closed";
  return buildAiInfra(join(root, folder), { small: true, databases, ...options });
}

function names(fixture: AiInfra, path: string): Promise<readonly string[]> {
  return readdir(join(fixture.hosts.ai2, path));
}

function count(file: string, table: string): unknown {
  using database = new DatabaseSync(file, { readOnly: true });
  return database.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.["rows"];
}

function columns(fixture: AiInfra): readonly unknown[] {
  using database = new DatabaseSync(join(fixture.hosts.ai2, gatewayDataPath, "users.sqlite"));
  const rows = database.prepare("PRAGMA table_info(users)").all();
  return rows.map((row) => row["name"]);
}
