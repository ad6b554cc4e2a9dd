/** A migration that is killed again and again ends as one that never was; so does taking it back. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AiInfra, buildAiInfra } from "../support/ai-infra/ai-infra.ts";
import { type StackFolder, stackFolder } from "../support/cli.ts";
import { hashFolder } from "../support/hash-folder.ts";
import { type Belongings, belongingsOf } from "../support/kills.ts";

/** A minute where nothing else runs; a busy machine may take its time. */
const patience = { timeout: 600_000 };

type Line = Readonly<{ state: string; step?: string }>;
type Document = Readonly<{
  verified: boolean;
  keys: readonly Readonly<{ name: string }>[];
  users: readonly Readonly<{ name: string }>[];
  checks: readonly Readonly<{ id: string; outcome: string; detail: string }>[];
}>;

let stack: StackFolder;
let old: AiInfra;
let scratch: string;
let before: Readonly<{ source: string; folder: string; engine: Belongings }>;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "nexus-old-"));
  stack = await stackFolder("");
  await rm(join(stack.directory, "nexus.yaml"));
  old = await buildAiInfra(join(scratch, "hosts"), { databases: "live" });
  await givePortOfItsOwn();
  before = await everything();
});

/** Other migrations of the same fixture go on beside this one. */
async function givePortOfItsOwn(): Promise<void> {
  const file = join(old.hosts.ai2, "var/lib/gateway/app/.env");
  const { port } = new URL(stack.observability);
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replace("OBSERVABILITY_PORT=8801", `OBSERVABILITY_PORT=${port}`));
}

afterAll(async () => {
  await old[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
  await rm(scratch, { recursive: true });
});

/** Bit for bit what a migration must leave, or give back. */
async function everything() {
  return {
    source: await hashFolder(old.root),
    folder: await hashFolder(stack.directory),
    engine: await belongingsOf(stack.name),
  };
}

const words = () => {
  const target = ["--name", stack.name, "--gateway-port", new URL(stack.api).port];
  return [
    "migrate",
    "--from",
    "ai-infra",
    "--source",
    old.root,
    "--here",
    "ai1",
    ...target,
    "--yes",
  ];
};

/** What stands in the journal; a line that is still being written is none. */
async function journal(): Promise<readonly Line[]> {
  const file = join(stack.directory, ".nexus/migration/journal.ndjson");
  const text = await readFile(file, "utf8").catch(() => "");
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}

/** Starts a command and kills it as soon as a line of the journal is there that was not before. */
async function killOnce(
  command: readonly string[],
  isReached: (line: Line) => boolean,
): Promise<string> {
  const running = stack.start(command);
  const ended = new AbortController();
  void running.then(() => ended.abort());
  while (!ended.signal.aborted && !(await journal()).some(isReached))
    await delay(5, undefined, { signal: ended.signal }).catch(() => undefined);
  running.kill("SIGKILL");
  const { signal, exitCode, stderr } = await running;
  return signal ?? `exit ${exitCode ?? ""}\n${stderr}`;
}

const moments: readonly Readonly<{ state: string; step?: RegExp }>[] = [
  { state: "opened" },
  { state: "begun", step: /^backup / },
  { state: "done", step: /^write nexus\.yaml$/ },
  { state: "part", step: /^models / },
  { state: "begun", step: /^carry$/ },
  { state: "begun", step: /^up$/ },
  { state: "begun", step: /^keys$/ },
  { state: "done", step: /^users$/ },
];

test(
  "killed at eight points, one after the other, it completes, with nothing doubled and nothing lost",
  patience,
  async () => {
    for (const { state, step = /./ } of moments) {
      const ended = await killOnce(
        words(),
        (line) => line.state === state && step.test(line.step ?? "."),
      );
      expect({ state, step, ended }).toEqual({ state, step, ended: "SIGKILL" });
    }
    const { document } = await stack.json<Document>(...words());
    const lines = await journal();
    const done = lines.flatMap(({ state, step }) => (state === "done" ? (step ?? []) : []));
    const parts = lines.flatMap((line) => (line.state === "part" ? JSON.stringify(line.step) : []));

    expect(document.checks.filter(({ outcome }) => outcome === "failed")).toEqual([]);
    expect(document.verified).toBe(true);
    expect(done).toEqual([...new Set(done)]);
    expect(parts.length).toBeGreaterThan(0);
    expect(document.checks.map(({ id, detail }) => `${id}: ${detail}`)).toContainEqual(
      expect.stringMatching(
        /^database memory of .*15 of memory_v2; 19 embeddings .*equal by count/,
      ),
    );

    const { containers, volumes } = await belongingsOf(stack.name);
    const services = containers.map((container) => container.replace(/-\d+ .*/, ""));
    expect(services.toSorted()).toEqual([...new Set(services)].toSorted());
    expect(volumes).toEqual([...new Set(volumes)]);
    const keys = await stack.json<Pick<Document, "keys">>("keys", "ls");
    const users = await stack.json<Pick<Document, "users">>("users", "ls");
    expect(keys.document.keys.map(({ name }) => name).toSorted()).toEqual(
      [...document.keys.map(({ name }) => name), "default"].toSorted(),
    );
    expect(users.document.users).toHaveLength(document.users.length);
    expect(await hashFolder(old.root)).toBe(before.source);
  },
);

test(
  "killed twice, taking it back gives folder, engine and source back as they were",
  patience,
  async () => {
    const back = ["migrate", "--rollback", "--yes"];
    for (const state of ["rolling-back", "undone"])
      expect({ state, ended: await killOnce(back, (line) => line.state === state) }).toEqual({
        state,
        ended: "SIGKILL",
      });
    await stack.must(...back);
    expect(await readdir(stack.directory)).toEqual([]);
    expect(await everything()).toEqual(before);
  },
);
