import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { forget, repository } from "../bed/bed.ts";
import {
  containersOf,
  inspectStack,
  type Ran,
  readIn,
  type StackFolder,
  stackFolder,
  until,
  writeIn,
} from "../support/cli.ts";
import { type SlowRegistry, startSlowRegistry } from "../support/slow-registry.ts";

/** Long enough for a line of progress in the plain story, which has the first one after a second. */
const modelPullMs = 1800;

let registry: SlowRegistry;
let stack: StackFolder;
let up: Ran;
/** What `/services/ollama/readyz` said while `up` ran, every answer that differed from the one before. */
let sightings: readonly Sighting[];

/** Images whose tag went elsewhere: only their ids are left to remove them by. */
const pulledIds: string[] = [];

type Sighting = Readonly<{ status: number; missing: readonly string[] }>;
type Status = Readonly<{
  ok: boolean;
  services: readonly Readonly<{ service: string; state: string; sentence: string }>[];
}>;

beforeAll(async () => {
  registry = await startSlowRegistry("ollama/ollama:0.12.6", {
    bytes: 24e6,
    bytesPerSecond: 10e6,
  });
  stack = await stackFolder("");
  await writeStack(["llama3.2:1b"]);
  const command = stack.start(["up"]);
  const seen: Sighting[] = [];
  let isOver = false;
  const watch = until(
    "`up` to end",
    async () => {
      const sighting = await look();
      if (sighting && JSON.stringify(sighting) !== JSON.stringify(seen.at(-1))) seen.push(sighting);
      return isOver;
    },
    100_000,
  );
  const { exitCode, stdout, stderr } = await command;
  isOver = true;
  await watch;
  up = { exitCode: exitCode ?? -1, stdout, stderr };
  sightings = seen;
});

afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
  for (const image of [registry.image, ...pulledIds]) await forget(image);
});

/** The ready-made `default` stack as it is shipped, with this test's name, ports and image, and a slower store. */
async function writeStack(models: readonly string[], image = registry.image): Promise<void> {
  const shipped = await readFile(`${repository}/stacks/default/nexus.yaml`, "utf8");
  const ports = `port: ${portOf(stack.api)}\n  observability_port: ${portOf(stack.observability)}`;
  const text = shipped
    .replace("name: home", `name: ${stack.name}`)
    .replace("port: 8800", ports)
    .replace("- llama3.2:1b", models.map((model) => `- ${model}`).join("\n      "))
    .concat(`    image: ${image}\n    environment: { STAND_IN_PULL_MS: "${modelPullMs}" }\n`);
  await writeIn(stack, "nexus.yaml", text);
}

const portOf = (url: string) => new URL(url).port;

async function look(): Promise<Sighting | undefined> {
  const answer = await fetch(`${stack.observability}/services/ollama/readyz`).catch(
    () => undefined,
  );
  if (answer === undefined || answer.status === 404) return undefined;
  const { checks } = (await answer.json()) as { checks: { missing_models: readonly string[] } };
  return { status: answer.status, missing: checks.missing_models };
}

const started = async () =>
  (await inspectStack(stack.name)).map(({ Id, State }) => `${Id} ${State.StartedAt}`);

/** Where each text stands in the other one; -1 for those that are not there. */
const places = (text: string, ...parts: readonly RegExp[]) =>
  parts.map((part) => text.search(part));

describe("the default stack, from nothing", () => {
  test("is ready only when the declared model is there: 503 while it is missing, 200 after", async () => {
    expect(up.exitCode === 0 ? "" : up.stderr).toBe("");
    expect(sightings.at(-1)).toEqual({ status: 200, missing: [] });
    expect(sightings.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(sightings).toContainEqual({ status: 503, missing: ["llama3.2:1b"] });
  });

  test("tells of image and model with bytes and speed, and in the order in which they happen", () => {
    const order = places(
      up.stderr,
      /ollama +pulling 127\.0\.0\.1:\S+ollama:0\.12\.6\n/,
      /ollama +pulling \S+ · \d+ % · [^\n]*\d [kM]?B · [\d.]+ [kM]?B\/s · layer \d+\/\d+\n/,
      /ollama +pulled 127\.0\.0\.1:\S+ollama:0\.12\.6 \(\d/,
      /ollama +started container/,
      /ollama +pulling model llama3\.2:1b\n/,
      /ollama +pulling model llama3\.2:1b · \d+ % · [^\n]*\/20 MB · [\d.]+ [kM]?B\/s · \d+ s left\n/,
      /ollama +pulled model llama3\.2:1b \(\d/,
      /ollama +ready/,
    );
    expect(order).not.toContain(-1);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });

  test("has the model for `models ls` and for programs", async () => {
    const { document } = await stack.json<{ models: readonly unknown[] }>("models", "ls");
    expect(document.models).toEqual([
      expect.objectContaining({
        service: "ollama",
        model: "llama3.2:1b",
        declared: true,
        present: true,
        sizeBytes: 20e6,
      }),
    ]);
    const listed = await fetch(`${stack.api}/v1/models`, {
      headers: { authorization: `Bearer ${stack.key()}` },
    });
    expect(await listed.json()).toMatchObject({
      data: expect.arrayContaining([expect.objectContaining({ id: "llama3.2:1b" })]),
    });
  });
});

describe("chat", () => {
  test("takes the question as words, from stdin, and asks the model that is named", async () => {
    const words = await stack.must("chat", "good", "morning");
    expect(words.stdout).toMatch(/^ollama 0\.12\.6 on \S+ heard: good morning\n*$/);

    const piped = await stack.start(["chat", "--model", "fast"], { input: "from a pipe\n" });
    expect(piped.stdout).toContain("heard: from a pipe");

    const { document } = await stack.json("chat", "--model", "ollama/llama3.2:1b", "hi");
    expect(document).toEqual({
      model: "ollama/llama3.2:1b",
      question: "hi",
      answer: expect.stringContaining("heard: hi"),
    });
  });

  test("an unknown model is answered with near names, and nothing else is asked instead", async () => {
    const { exitCode, stdout, stderr } = await stack.run("chat", "--model", "llama3.2:1", "hi");
    expect(exitCode).toBe(4);
    expect(stdout).toBe("");
    expect(stderr.replaceAll(/\s+›?\s*/g, " ")).toContain("Did you mean llama3.2:1b?");
  });

  test("a key that is missing, readable by others or wrong is told apart", async () => {
    const { document: missing } = await stack.json("chat", "--key-file", "nowhere.key", "hi");
    expect(missing).toMatchObject({ error: { code: "NEXUS_NO_KEY", exit: 2 } });

    await writeIn(stack, "loose.key", "nx_wrong\n");
    const { document: loose } = await stack.json("chat", "--key-file", "loose.key", "hi");
    expect(loose).toMatchObject({ error: { exit: 2 } });

    const wrong = await stack.start(["chat", "hi", "--json"], {
      env: { NEXUS_API_KEY: "nx_wrong" },
    });
    expect(JSON.parse(wrong.stdout)).toMatchObject({
      error: { code: "NEXUS_API", details: { status: 401 } },
    });
  });
});

describe("models", () => {
  test("one more is pulled with progress and can be used at once, without a new container", async () => {
    const before = await started();
    const { stderr, stdout } = await stack.must("models", "pull", "qwen3:0.6b");
    expect(stderr).toMatch(/pulling model qwen3:0\.6b · \d+ % · [\d.]+\/20 MB · [\d.]+ MB\/s/);
    expect(stdout).toBe("ollama has qwen3:0.6b now.");

    expect(await started()).toEqual(before);
    const { stdout: answer } = await stack.must("chat", "--model", "qwen3:0.6b", "hi");
    expect(answer).toContain("heard: hi");
    const again = await stack.json("models", "pull", "qwen3:0.6b");
    expect(again.document).toEqual({ service: "ollama", model: "qwen3:0.6b", outcome: "present" });
  });

  test("one that the store does not know is refused in the store's own words, exit 4", async () => {
    const { exitCode, document } = await stack.json("models", "pull", "no-such:7b");
    expect(exitCode).toBe(4);
    expect(document).toMatchObject({
      error: {
        code: "NEXUS_MODEL_PULL_FAILED",
        message: expect.stringContaining("pull model manifest: file does not exist"),
      },
    });
  });

  test("the file lists another one: it is ready with that one, and no container is replaced", async () => {
    const before = await started();
    await writeStack(["qwen3:0.6b"]);
    await stack.must("up");
    expect(await started()).toEqual(before);
    expect(await look()).toEqual({ status: 200, missing: [] });
    const { document } = await stack.json<{ models: readonly object[] }>("models", "ls");
    expect(document.models).toEqual([
      expect.objectContaining({ model: "llama3.2:1b", declared: false, present: true }),
      expect.objectContaining({ model: "qwen3:0.6b", declared: true, present: true }),
    ]);
  });

  test("a declared one is removed on wish: the service is not ready then, and the next `up` mends just that", async () => {
    const kept = await stack.json("models", "rm", "qwen3:0.6b", "--yes");
    expect(kept).toMatchObject({
      exitCode: 6,
      document: { error: { code: "NEXUS_MODEL_IN_USE", details: { services: ["ollama"] } } },
    });
    const asked = await stack.run("models", "rm", "qwen3:0.6b", "--force");
    expect(asked.exitCode).toBe(2);
    expect(asked.stderr).toContain("--yes");
    const before = await started();

    const removed = await stack.must("models", "rm", "qwen3:0.6b", "--force", "--yes");
    expect(removed.stdout).toContain("frees up to 20 MB");
    expect(removed.stderr).toContain("not ready without it");
    await until("the gateway to miss it", async () => (await look())?.status === 503);
    const { exitCode, document } = await stack.json<Status>("status");
    expect(exitCode).toBe(4);
    expect(document.services.find(({ service }) => service === "ollama")).toMatchObject({
      state: "reachable",
      sentence: expect.stringContaining("qwen3:0.6b"),
    });

    const { stderr } = await stack.must("up");
    expect(stderr).toContain("pulled model qwen3:0.6b");
    expect(await look()).toEqual({ status: 200, missing: [] });
    expect(await started()).toEqual(before);
  });
});

describe("images", () => {
  test("a tag that moved is noticed by `up --pull always` only, and the models stay", async () => {
    const [before] = await containersOf(stack.name, "ollama");
    await registry.moveTag();
    await stack.must("up");
    expect((await containersOf(stack.name, "ollama")).map(({ Id }) => Id)).toEqual([before?.Id]);

    const { stderr } = await stack.must("up", "--pull", "always");
    const [after, ...more] = await containersOf(stack.name, "ollama");
    expect(more).toEqual([]);
    expect(after?.Image).not.toBe(before?.Image);
    pulledIds.push(before?.Image ?? "", after?.Image ?? "");
    expect(stderr).not.toContain("pulling model");
    expect(await look()).toEqual({ status: 200, missing: [] });
  });

  test("an upgrade keeps the models in their volume: none is pulled again", async () => {
    await writeStack(["qwen3:0.6b"], "ollama/ollama:0.12.7");
    const { stderr } = await stack.must("up");
    expect(stderr).not.toContain("pulling model");
    const [container, ...more] = await containersOf(stack.name, "ollama");
    expect(more).toEqual([]);
    expect(container?.Config.Image).toBe("ollama/ollama:0.12.7");
    const { stdout } = await stack.must("chat", "--model", "llama3.2:1b", "still there?");
    expect(stdout).toContain("ollama 0.12.7");
  });

  test("an upgrade that fails leaves the old version serving, exit 4", async () => {
    const [before] = await containersOf(stack.name, "ollama");
    await writeStack(["qwen3:0.6b"], "nexus-test/pause:1");
    await writeIn(
      stack,
      "nexus.yaml",
      `${await readIn(stack, "nexus.yaml")}    stall_timeout: 2s\n`,
    );
    const { exitCode, stderr } = await stack.run("up");
    expect(exitCode).toBe(4);
    expect(stderr).toContain("the old one serves on");
    expect((await containersOf(stack.name, "ollama")).filter(({ State }) => State.Running)).toEqual(
      [expect.objectContaining({ Id: before?.Id })],
    );
    const { stdout } = await stack.must("chat", "--model", "qwen3:0.6b", "and now?");
    expect(stdout).toContain("ollama 0.12.7");
  });

  test("an image without a version is a doubt of the doctor's", async () => {
    await writeStack(["qwen3:0.6b"], "ollama/ollama");
    const { document } = await stack.json<{ checks: readonly { id: string }[] }>("doctor");
    expect(document.checks.find(({ id }) => id === "images")).toMatchObject({
      verdict: "warn",
      detail: expect.stringContaining("ollama"),
    });
  });
});
