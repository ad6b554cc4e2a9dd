import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ServiceModel } from "../../src/apply/model-stores.ts";
import type { ChangeDocument } from "../../src/changing-command.ts";
import { engine, services, type StackFolder, stackFolder, until } from "../support/cli.ts";

const whisper = "Systran/faster-whisper-tiny";
const many = ["llama3.2:1b", "qwen3:0.6b", "gemma3:4b", "all-minilm"];

const volume = `nexus-test-models-${process.pid}`;
const cache = "models:/root/.ollama";

const specs = {
  ollama: {
    template: "ollama",
    models: many,
    volumes: [cache],
    environment: { STAND_IN_PULL_MS: "2500" },
  },
  second: { template: "ollama", volumes: [cache] },
  huge: {
    template: "ollama",
    environment: { STAND_IN_MODEL_BYTES: "1000000000000000", STAND_IN_PULL_MS: "60000" },
  },
  speaches: { template: "speaches", models: [whisper] },
  localai: { template: "localai" },
  crash: {
    image: "nexus-test/scenario:1",
    port: 9000,
    environment: {
      SCENARIO_READY_AFTER_MS: "never",
      SCENARIO_CRASH_AFTER_MS: "300",
      SCENARIO_CRASH_CODE: "3",
      SCENARIO_CRASH_MESSAGE: "ValueError: no room for 4096 tokens",
    },
    signatures: [
      {
        pattern: "no room for \\d+ tokens",
        message: "its context is too long",
        remedy: "Lower `context`.",
      },
    ],
  },
};

const named = `\nvolumes: { models: { name: ${volume} } }\n`;

let stack: StackFolder;
let up: Readonly<{ exitCode: number; document: ChangeDocument }>;

beforeAll(async () => {
  stack = await stackFolder(services(specs) + named);
  up = await stack.json("up");
});

afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await engine(`/volumes/${volume}`, { method: "DELETE" }).catch(() => undefined);
});

/** Who began and ended to download how far, as the store's own log tells. */
async function downloads(of = stack): Promise<readonly string[]> {
  const { stdout } = await of.must("logs", "ollama");
  return [...stdout.matchAll(/download (\S+) (from|to) (\d+)/g)].map(([line]) => line);
}

const models = async () =>
  (await stack.json<{ models: readonly ServiceModel[] }>("models", "ls")).document.models;

const outcomeOf = (name: string) =>
  up.document.services.find(({ service }) => service === name) ?? { outcome: "none" };

test("declared models of three kinds of stores are there when `up` ends", () => {
  expect(outcomeOf("ollama").outcome).toBe("ready");
  expect(outcomeOf("speaches").outcome).toBe("ready");
  expect(outcomeOf("localai").outcome).toBe("ready");
});

test("a store fetches two models at once, and never more", async () => {
  let open = 0;
  const widths = (await downloads()).map((line) => (open += line.includes(" from ") ? 1 : -1));
  expect(Math.max(...widths)).toBe(2);
  expect(widths).toHaveLength(2 * many.length);
});

test("a service that crashes is explained by its own signatures", () => {
  expect(up.exitCode).toBe(4);
  expect(outcomeOf("crash")).toMatchObject({
    outcome: "failed",
    failure: {
      message: "crash crashed with exit code 3: its context is too long.",
      remedy: "Lower `context`.",
    },
  });
});

test("models of every store are listed, one in a shared volume once", async () => {
  const rows = await models();
  expect(rows.filter(({ model }) => model === "llama3.2:1b")).toEqual([
    expect.objectContaining({
      service: "ollama",
      declared: true,
      sharedVolume: volume,
      alsoIn: ["second"],
    }),
  ]);
  expect(rows).toContainEqual(
    expect.objectContaining({ service: "speaches", model: whisper, present: true, declared: true }),
  );
});

test("an interrupted pull goes on where it was: no byte is fetched twice", async () => {
  const pull = stack.start(["models", "pull", "qwen3:8b", "--service", "ollama"]);
  let told = "";
  pull.stderr.on("data", (chunk: Buffer) => (told += chunk.toString()));
  await until("the pull to be under way", async () => /qwen3:8b · [1-9]\d* %/.test(told));
  pull.kill("SIGINT");
  expect((await pull).signal).toBe("SIGINT");
  const cut = await until("the store to notice", async () =>
    (await downloads()).find((line) => line.startsWith("download qwen3:8b to ")),
  );
  const bytes = Number(cut.split(" ").at(-1));
  expect(bytes).toBeGreaterThan(0);
  expect(bytes).toBeLessThan(20e6);

  await stack.must("models", "pull", "qwen3:8b", "--service", "ollama");
  expect((await downloads()).filter((line) => line.includes("qwen3:8b"))).toEqual([
    "download qwen3:8b from 0",
    cut,
    `download qwen3:8b from ${bytes}`,
    "download qwen3:8b to 20000000",
  ]);
});

describe("room", () => {
  test("a model that does not fit is given up, with what is missing, and nothing goes on", async () => {
    const refused = await stack.json("models", "pull", "qwen3:8b", "--service", "huge");
    expect(refused).toMatchObject({
      exitCode: 7,
      document: {
        error: {
          code: "NEXUS_NO_ROOM_FOR_MODEL",
          details: { service: "huge", missingBytes: expect.any(Number) },
        },
      },
    });
    expect((await models()).filter(({ service }) => service === "huge")).toEqual([]);
  });

  test("`up` says the same of the service that declares it", async () => {
    const { crash: _, ...others } = specs;
    const wanting = { ...others, huge: { ...specs.huge, models: ["qwen3:8b"] } };
    await stack.write(services(wanting) + named);
    const { exitCode, document } = await stack.json<ChangeDocument>("up");
    expect(exitCode).toBe(7);
    expect(document.services.find(({ service }) => service === "huge")).toMatchObject({
      failure: { cause: { kind: "engine", code: "NEXUS_NO_ROOM_FOR_MODEL" } },
    });
    await stack.write(services(others) + named);
    await stack.must("up");
  });
});

test("a model that the stack asks for stays; another one goes, and the store has it no more", async () => {
  expect(await stack.json("models", "rm", whisper, "--service", "speaches", "--yes")).toMatchObject(
    { exitCode: 6, document: { error: { code: "NEXUS_MODEL_IN_USE" } } },
  );
  expect(
    await stack.json("models", "rm", "llama3.2:1b", "--service", "second", "--yes"),
  ).toMatchObject({ exitCode: 6, document: { error: { details: { services: ["ollama"] } } } });

  const spare = "Systran/faster-whisper-small";
  await stack.must("models", "pull", spare, "--service", "speaches");
  const listed = (await models()).map(({ model }) => model);
  expect(listed).toContain(spare);
  await stack.must("models", "rm", spare, "--service", "speaches", "--yes");
  expect((await models()).map(({ model }) => model)).not.toContain(spare);
});

test("a model of LocalAI goes only by force, and comes back when it is pulled", async () => {
  const model = "sd-1.5-ggml";
  const rm = ["models", "rm", model, "--service", "localai", "--yes"];
  expect((await stack.run(...rm)).exitCode).toBe(6);
  await stack.must(...rm, "--force");
  const isThere = async () => (await models()).find((row) => row.model === model)?.present;
  expect(await isThere()).toBe(false);
  await stack.must("models", "pull", model, "--service", "localai");
  expect(await isThere()).toBe(true);
});

test("two stacks share the volume: whoever goes down with its volumes leaves it to the other", async () => {
  await using other = await stackFolder(
    services({ ollama: { template: "ollama", volumes: [cache], models: ["llama3.2:1b"] } }) + named,
  );
  await other.must("up");
  expect(await downloads(other)).toEqual([]);

  const down = await stack.must("down", "--volumes", "--yes");
  expect(down.stdout + down.stderr).toContain(`volume ${volume} stays`);
  expect(await engine(`/volumes/${volume}`)).toMatchObject({ Name: volume });
  expect((await other.run("status")).exitCode).toBe(0);
});
