/** A whole ai-infra of three hosts moves into a stack, its clients notice nothing, and it can be taken back bit for bit. */
import { createHash } from "node:crypto";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import OpenAI from "openai";
import { Agent, fetch as fetchVia } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AiInfra, buildAiInfra } from "../support/ai-infra/ai-infra.ts";
import { writeMemory, writeUsers } from "../support/ai-infra/databases.ts";
import { allSecrets } from "../support/ai-infra/secrets.ts";
import {
  engine,
  identities,
  inspectStack,
  readIn,
  type StackFolder,
  stackFolder,
} from "../support/cli.ts";
import { hashFolder } from "../support/hash-folder.ts";

type Told = Readonly<{ value: string; at: Readonly<{ host: string; file: string }> }>;
type Document = Readonly<{
  applied: boolean;
  stack: string;
  services: readonly Readonly<{ from: string; host: string; becomes: string; name?: string }>[];
  rewrites: readonly Readonly<{ setting: Told; to?: string; because: string }>[];
  conflicts: readonly Readonly<{ port: number; instead?: number }>[];
  keys: readonly Readonly<{ name: string }>[];
  refusedKeys: readonly Readonly<{ name: string; because: string }>[];
  users: readonly Readonly<{ name: string; admin: boolean; disabled: boolean }>[];
  aliases: readonly Readonly<{ name: string; targets: readonly string[]; at?: object }>[];
  aliasesLeftOut: readonly Readonly<{ name: string }>[];
  notUnderstood: readonly Readonly<{ what: string; why: string; at: Told["at"] }>[];
  warnings: readonly Told[];
  obstacles: readonly string[];
}>;

let stack: StackFolder;
let old: AiInfra;
let scratch: string;
/** The old installation and the folder of the stack, before anything was done. */
let sourceBefore: string;
let folderBefore: string;
/** Everything of the engine that has the stack's name. */
let engineBefore: readonly string[];

const words = () => [
  "migrate",
  "--from",
  "ai-infra",
  "--source",
  old.root,
  "--here",
  "ai1",
  "--name",
  stack.name,
  "--gateway-port",
  new URL(stack.api).port,
];

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "nexus-old-"));
  stack = await stackFolder("");
  await rm(join(stack.directory, "nexus.yaml"));
  old = await buildAiInfra(join(scratch, "hosts"), { databases: "live", invalidRegistry: true });
  await givePortOfItsOwn();
  sourceBefore = await hashFolder(old.root);
  folderBefore = await hashFolder(stack.directory);
  engineBefore = await namesOnEngine();
});

/** Other migrations of the same fixture go on beside this one. */
async function givePortOfItsOwn(): Promise<void> {
  const file = join(old.hosts.ai2, "var/lib/gateway/app/.env");
  const { port } = new URL(stack.observability);
  const settings = await readFile(file, "utf8");
  await writeFile(file, settings.replace("OBSERVABILITY_PORT=8801", `OBSERVABILITY_PORT=${port}`));
}

afterAll(async () => {
  await old[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
  await rm(scratch, { recursive: true });
});

describe("a dry run", () => {
  let document: Document;
  let text: string;

  beforeAll(async () => {
    text = (await stack.must(...words(), "--dry-run")).stdout;
    ({ document } = await stack.json<Document>(...words(), "--dry-run"));
  });

  test("changes no byte of the source, of the folder or of the engine", async () => {
    expect(await hashFolder(old.root)).toBe(sourceBefore);
    expect(await hashFolder(stack.directory)).toBe(folderBefore);
    expect(await namesOnEngine()).toEqual(engineBefore);
    expect(document.applied).toBe(false);
  });

  test("holds no secret of the old installation", () => {
    const told = text + JSON.stringify(document);
    for (const secret of allSecrets(old.secrets)) expect(told).not.toContain(secret);
  });

  test("tells what of the old files is broken, or means nothing here", () => {
    const { notUnderstood, warnings, rewrites } = document;
    const broken = notUnderstood.map(({ at, what, why }) => `${at.file} ${what} ${why}`);
    const warned = warnings.map(({ value }) => value);
    expect(broken).toContainEqual(expect.stringMatching(/tools_registry\.json .*JSON/));
    expect(broken).toContainEqual(expect.stringMatching(/OLLAMA_MODEL_STRONG .*set again/));
    expect(broken).toContainEqual(expect.stringMatching(/line 57 /));
    expect(broken).toContainEqual(expect.stringMatching(/HOUSE_RULE /));
    expect(broken.join("\n")).toMatch(/qwen3.*235b/);
    expect(warned).toContainEqual(expect.stringMatching(/^luxtts of ada2 asks itself/));
    expect(warned).toContainEqual(expect.stringMatching(/^qwen3-tts of ada2 asks itself/));
    expect(rewrites).toContainEqual(
      expect.objectContaining({ because: "attic.example is no host of the migration: kept" }),
    );
  });

  test("tells which tokens, names and services do not go on", () => {
    const { refusedKeys, aliasesLeftOut, services, users } = document;
    const refused = refusedKeys.map(({ because }) => because);
    expect(refused).toContainEqual(expect.stringContaining("placeholder"));
    expect(refused).toContainEqual(expect.stringContaining("revoked"));
    expect(refused).toContainEqual(expect.stringContaining("expired"));
    expect(aliasesLeftOut.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["lost", "giant", "tiny"]),
    );
    expect(users).toContainEqual({ name: "carol", admin: false, disabled: true });
    const left = services.filter(({ becomes }) => becomes === "left-out");
    expect(left.map(({ from }) => from)).toEqual(
      expect.arrayContaining(["mlx", "lighton-ocr", "telegram-bot"]),
    );
  });

  test("reads lines with CRLF as the old gateway did", () => {
    expect(document.stack).not.toContain("\r");
    expect(text).not.toMatch(/true\r|30000\r/);
  });

  test("finds another port where the old one is held", async () => {
    const holder = createServer().listen(8800, "127.0.0.1");
    await new Promise((resolve) => holder.once("listening", resolve).once("error", resolve));
    const free = words().slice(0, -2);
    const { document: held } = await stack.json<Document>(...free, "--dry-run");
    holder.close();
    const conflict = held.conflicts.find(({ port }) => port === 8800);
    expect(conflict?.instead).toBeGreaterThan(8800);
    expect(held.stack).toContain(`port: ${String(conflict?.instead)}`);
  });
});

/** Those of the old gateway's file whose models are whole in Ollama's store. */
const aliases = ["default", "fast", "coder", "long"];

describe("the migration", () => {
  beforeAll(async () => {
    await stack.must(...words(), "--yes");
  });

  test("leaves the source as it was", async () => {
    expect(await hashFolder(old.root)).toBe(sourceBefore);
  });

  test("has the stack up and ready, and `up` finds nothing to do", async () => {
    const before = identities(await inspectStack(stack.name));
    await stack.must("status");
    await stack.must("up");
    expect(identities(await inspectStack(stack.name))).toEqual(before);
  });

  test.for([...aliases, "auto", "ollama", "ollama:qwen3:30b", "qwen2.5:7b", ""])(
    "an old token chats through the name '%s'",
    async (model) => {
      const { choices } = await chat(old.secrets.automation, model);
      expect(choices[0]?.message.content).toContain("ollama");
    },
  );

  test("a token with a list of addresses is let in from this machine, and not from elsewhere", async () => {
    expect(await statusOf("/v1/models", old.secrets.admin)).toBe(200);
    const name = await nameOf(old.secrets.admin);
    await stack.must("keys", "edit", name, "--allow-ip", "10.0.0.0/8");
    expect(await statusOf("/v1/models", old.secrets.admin)).toBe(403);
    await stack.must("keys", "edit", name, "--allow-ip", "127.0.0.1", "--allow-ip", "10.0.0.0/8");
  });

  test("an old API key goes on, and what was refused is refused", async () => {
    const [live, revoked, expired] = old.secrets.apiKeys;
    expect(await statusOf("/v1/models", live)).toBe(200);
    for (const refused of [revoked, expired, old.secrets.forgotten, "change-me-in-production"])
      expect(await statusOf("/v1/models", refused)).toBe(401);
  });

  test("the keys are listed by names, with the limits that the tokens had", async () => {
    const { stdout } = await stack.must("keys", "ls");
    expect(stdout).toMatch(/^default /m);
    expect(stdout).toMatch(/^ai-infra-1 .*from 127\.0\.0\.1/m);
    expect(stdout).toMatch(/^ai-infra-3 .*10\.10\.22\.0\/24/m);
    expect(stdout).toMatch(/^ada\.my-laptop /m);
    expect(stdout.trim().split("\n")).toHaveLength(6);
  });

  test("users log in with their old passwords, but not the one who was disabled", async () => {
    const { ada, brian, carol } = old.secrets.passwords;
    expect(await logIn("Ada", ada)).toBe(201);
    expect(await logIn("brian", brian)).toBe(201);
    expect(await logIn("brian", ada)).toBe(401);
    expect(await logIn("carol", carol)).toBe(401);
    const { stdout } = await stack.must("users", "ls");
    expect(stdout).toMatch(/^ada +inference, admin/m);
    expect(stdout).toMatch(/^carol .*disabled/m);
  });

  test("memory and conversations are in the gateway's volume, row for row and byte for byte", async () => {
    const wanted = join(scratch, "wanted");
    writeMemory(wanted).close();
    writeUsers(wanted, "with-keys", old.secrets).close();
    const carried = await copyOfCarried();
    for (const [name, tables] of [
      ["memory", ["memory", "memory_v2"]],
      ["users", ["users", "user_conversations", "user_settings", "user_api_keys"]],
    ] as const)
      for (const table of tables)
        expect(rowsIn(join(carried, `${name}.sqlite`), table)).toEqual(
          rowsIn(join(wanted, `${name}.sqlite`), table),
        );
  });

  test("run again it has nothing left to do", async () => {
    const before = identities(await inspectStack(stack.name));
    const { stderr, stdout } = await stack.must(...words(), "--yes");
    expect(stdout + stderr).toMatch(/already|done|finished|nothing/i);
    expect(identities(await inspectStack(stack.name))).toEqual(before);
  });

  test("says nothing of a secret anywhere beside the stack file but where secrets are kept", async () => {
    const shown = await readIn(stack, "nexus.yaml");
    for (const secret of allSecrets(old.secrets)) expect(shown).not.toContain(secret);
  });
});

test("a rollback leaves folder, engine and source as they were before", async () => {
  await stack.must("migrate", "--rollback", "--yes");
  expect(await namesOnEngine()).toEqual(engineBefore);
  expect(await readdir(stack.directory)).toEqual([]);
  expect(await hashFolder(stack.directory)).toBe(folderBefore);
  expect(await hashFolder(old.root)).toBe(sourceBefore);
});

/** Names of containers, networks and volumes that have the stack's in them. */
async function namesOnEngine(): Promise<readonly string[]> {
  const [containers, networks, volumes] = await Promise.all([
    engine<readonly { Names: readonly string[] }[]>("/containers/json?all=true"),
    engine<readonly { Name: string }[]>("/networks"),
    engine<{ Volumes: readonly { Name: string }[] }>("/volumes"),
  ]);
  const names = [
    ...containers.flatMap(({ Names }) => Names),
    ...networks.map(({ Name }) => Name),
    ...volumes.Volumes.map(({ Name }) => Name),
  ];
  return names.filter((name) => name.includes(stack.name)).toSorted();
}

/** The old gateway's certificate is the new one's: clients that trust it go on to. */
function trusting(): Agent {
  return new Agent({ connect: { rejectUnauthorized: false } });
}

const secureApi = () => stack.api.replace("http:", "https:");

async function chat(apiKey: string, model: string) {
  const client = new OpenAI({
    apiKey,
    baseURL: `${secureApi()}/v1`,
    maxRetries: 0,
    fetch: fetchVia as unknown as typeof fetch,
    fetchOptions: { dispatcher: trusting() },
  });
  const messages = [{ role: "user" as const, content: "good morning" }];
  return client.chat.completions.create({ model, messages });
}

async function statusOf(path: string, key: string): Promise<number> {
  const headers = { authorization: `Bearer ${key}` };
  const response = await fetchVia(`${secureApi()}${path}`, { headers, dispatcher: trusting() });
  await response.arrayBuffer();
  return response.status;
}

async function logIn(username: string, password: string): Promise<number> {
  const response = await fetchVia(`${secureApi()}/ui/api/auth/login`, {
    method: "POST",
    body: JSON.stringify({ username, password }),
    dispatcher: trusting(),
  });
  await response.arrayBuffer();
  return response.status;
}

/** What `keys ls` calls a token. */
async function nameOf(token: string): Promise<string> {
  const { document } = await stack.json<{
    keys: readonly Readonly<{ name: string; hint: string }>[];
  }>("keys", "ls");
  return document.keys.find(({ hint }) => token.startsWith(hint))?.name ?? "";
}

/** The old data folder as it lies in the gateway's volume, read where the engine keeps that. */
async function copyOfCarried(): Promise<string> {
  const { Mountpoint } = await engine<{ Mountpoint: string }>(`/volumes/${stack.name}-gateway`);
  const copy = join(scratch, "carried");
  await cp(join(Mountpoint, "carried/ai2/var/lib/gateway/data"), copy, { recursive: true });
  return copy;
}

/** A number for each row of a table, sorted. */
function rowsIn(file: string, table: string): readonly string[] {
  using database = new DatabaseSync(file, { readOnly: true });
  const rows = database.prepare(`SELECT * FROM ${table}`).all();
  return rows.map((row) => digestOf(Object.entries(row))).toSorted();
}

function digestOf(fields: readonly (readonly [string, unknown])[]): string {
  const hash = createHash("sha256");
  for (const [name, value] of fields) {
    hash.update(`${name}\0`);
    hash.update(value instanceof Uint8Array ? value : String(value));
  }
  return hash.digest("hex");
}
