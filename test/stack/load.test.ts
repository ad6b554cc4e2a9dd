import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Machine } from "../../src/catalog/machine.ts";
import { StackNotFoundError } from "../../src/stack/errors.ts";
import { loadStack } from "../../src/stack/load.ts";
import { folderOf, load, loadService, stackWith } from "./folder.ts";

describe("finding the stack file", () => {
  test("the nearest nexus.yaml or nexus.yml counts, here or above", async () => {
    await using folder = await folderOf({ "nexus.yml": stackWith("port: 1") });
    const below = join(folder.path, "a", "b");
    await mkdir(below, { recursive: true });
    const { stack } = await loadStack({ cwd: below, environment: {} });
    expect(stack).toMatchObject({
      name: "t",
      directory: folder.path,
      file: join(folder.path, "nexus.yml"),
    });
  });

  test("without one, the way to a first one is told", async () => {
    await using folder = await folderOf({});
    const loading = loadStack({ cwd: folder.path, environment: {}, file: "none.yaml" });
    await expect(loading).rejects.toThrow(StackNotFoundError);
    await expect(loading).rejects.toMatchObject({
      code: "NEXUS_STACK_NOT_FOUND",
      exitCode: 2,
      remedy: expect.stringMatching(/`nexus init`.*`nexus up --stack starter`/) as string,
    });
  });

  test("a stack without a name is called after its folder", async () => {
    await using folder = await folderOf({
      "My Stack_1/nexus.yaml": "services: {a: {image: 'x:1'}}",
    });
    const { stack } = await loadStack({ cwd: join(folder.path, "My Stack_1"), environment: {} });
    expect(stack.name).toBe("mystack_1");
  });
});

describe("defaults", () => {
  test("a service with a port is ready by the contract", async () => {
    expect(await loadService("port: 80")).toMatchObject({
      ready: "ready",
      probe: { path: "/readyz", status: [200], loading: [503], models: "none" },
      apiPath: "/v1",
      restart: { name: "unless-stopped" },
      init: true,
      readOnly: false,
      egress: true,
      gpus: { kind: "none" },
      limits: { pids: 4096 },
      stopGraceMs: 10_000,
      stableMs: 300,
      stallTimeoutMs: 120_000,
      modelPull: "none",
      oneShot: false,
      image: { kind: "pull", ref: "x:1", pullPolicy: "missing" },
    });
  });

  test("a service without a port has only to run", async () => {
    const service = await loadService("init: true");
    expect(service.ready).toBe("running");
    expect(service).not.toHaveProperty("probe");
  });

  test("a service without a port that is not restarted is a job", async () => {
    expect(await loadService('restart: "no"')).toMatchObject({ oneShot: true, ready: "running" });
    expect(await loadService("restart: no")).toMatchObject({ oneShot: true });
  });

  test("declared models are looked up where OpenAI's API lists them, unless the probe says where", async () => {
    expect((await loadService("port: 80\nmodels: [m]")).probe?.models).toBe("openai");
    const service = await loadService("port: 80\nmodels: [m]\nprobe: {models: ollama}");
    expect(service).toMatchObject({
      probe: { path: "/readyz", models: "ollama" },
      modelPull: "ollama",
    });
  });

  test("the gateway listens on this machine alone", async () => {
    expect((await load(stackWith("port: 80"))).stack.gateway).toEqual({
      port: 8800,
      observabilityPort: 8801,
      timeouts: {},
      host: "127.0.0.1",
      aliases: {},
      aliasCaps: {},
      aliasRules: {},
      aliasesWithoutTools: [],
      limits: { memoryBytes: 512 * 1024 ** 2, pids: 1024 },
    });
  });
});

describe("an external service", () => {
  test("its URL is taken apart into host and API path", async () => {
    const { stack } = await load(
      "name: t\nservices: {m: {external: 'http://mac:10240/v1/', provides: [chat]}}",
    );
    expect(stack.services[0]).toEqual({
      kind: "external",
      name: "m",
      origin: expect.stringMatching(/nexus\.yaml:2$/) as string,
      url: "http://mac:10240",
      apiPath: "/v1",
      provides: ["chat"],
      models: [],
      probe: { path: "/v1/models", status: [200], loading: [503], models: "openai" },
      ready: "ready",
      stallTimeoutMs: 120_000,
      dependsOn: [],
    });
  });
});

describe("dependencies", () => {
  const withJob = (dependency: string): string =>
    `name: t\nservices:\n  job: {image: 'x:1', restart: 'no'}\n  db: {image: 'x:1', port: 1}\n  a: {image: 'x:1', depends_on: ${dependency}}\n`;

  test.each([
    ["[db]", [{ service: "db", condition: "ready" }]],
    ["[job]", [{ service: "job", condition: "completed" }]],
    ["{db: {condition: service_started}}", [{ service: "db", condition: "started" }]],
    ["{db: {condition: service_healthy}}", [{ service: "db", condition: "ready" }]],
    [
      "{db: {condition: ready}, job: {}}",
      [
        { service: "db", condition: "ready" },
        { service: "job", condition: "completed" },
      ],
    ],
    [
      "{job: {condition: service_completed_successfully}}",
      [{ service: "job", condition: "completed" }],
    ],
    ["{none: {required: false}}", []],
  ])("%s", async (dependency, expected) => {
    const { stack } = await load(withJob(dependency));
    expect(stack.services.at(-1)?.dependsOn).toEqual(expected);
  });
});

describe("profiles", () => {
  const text =
    "name: t\nservices: {a: {image: 'x:1'}, b: {image: 'x:1', profiles: [p, q]}, c: {image: 'x:1', profiles: r}}";
  const names = async (profiles: readonly string[]): Promise<readonly string[]> =>
    (await load(text, { profiles })).stack.services.map(({ name }) => name);

  test("a service with profiles is there only with one of them", async () => {
    expect(await names([])).toEqual(["a"]);
    expect(await names(["q"])).toEqual(["a", "b"]);
    expect(await names(["*"])).toEqual(["a", "b", "c"]);
  });

  test("a profile that no service has is told", async () => {
    expect((await load(text, { profiles: ["pp"] })).warnings).toEqual([
      "No service has the profile pp. Did you mean p?",
    ]);
  });
});

describe("variables and env files", () => {
  test("the environment wins over .env, and .env over the default", async () => {
    const files = {
      ".env": "A=dotenv\nB=dotenv\n",
      "nexus.yaml": stackWith("environment: ['V=${A} ${B:-d} ${C:-d}']"),
    };
    const { stack } = await load(files, { environment: { A: "own" } });
    expect(stack.services[0]).toMatchObject({ environment: { V: "own dotenv d" } });
  });

  test("a variable can stand for a number, a size, a switch and part of a text", async () => {
    const keys = "port: ${P}\nmem_limit: ${M}\nread_only: ${R}\nports: ['${P}:80']";
    const service = await loadService(keys, { environment: { P: "8080", M: "1g", R: "true" } });
    expect(service).toMatchObject({
      port: 8080,
      limits: { memoryBytes: 1024 ** 3 },
      readOnly: true,
      ports: [{ hostPort: 8080 }],
    });
  });

  test("an unset variable is a warning that says where", async () => {
    expect((await load(stackWith("environment: {A: $NONE}"))).warnings[0]).toMatch(
      /^nexus\.yaml: the variable NONE in services\.a\.environment\.A is not set/,
    );
  });

  test("environment wins over env files, the last of which wins", async () => {
    const files = {
      "one.env": "A=1\nB=1\nC=1",
      "two.env": "B=2\nC=2",
      "nexus.yaml": stackWith(
        "env_file: [one.env, {path: two.env}, {path: none.env, required: false}]\nenvironment: {C: 3}",
      ),
    };
    expect((await load(files)).stack.services[0]).toMatchObject({
      environment: { A: "1", B: "2", C: "3" },
    });
  });

  test("a name without a value is taken from the environment, or not set", async () => {
    const service = await loadService("environment: [A, B, C=]", { environment: { A: "own" } });
    expect(service.environment).toEqual({ A: "own", C: "" });
  });

  test("numbers in the environment stay as they are written", async () => {
    const service = await loadService(
      "environment: {A: 1.10, B: 0x1F, C: TRUE, D: 1e3, E: 7, F: true}",
    );
    expect(service.environment).toEqual({
      A: "1.10",
      B: "0x1F",
      C: "TRUE",
      D: "1e3",
      E: "7",
      F: "true",
    });
  });
});

describe("anchors, merge keys and x- keys", () => {
  test("what is merged counts, what stands beside it wins", async () => {
    const { stack } = await load(
      "name: t\nx-base: &base\n  image: x:1\n  port: 1\nservices:\n  a:\n    <<: *base\n    port: 2\n    x-mine: {b: c}\n",
    );
    expect(stack.services[0]).toMatchObject({ image: { ref: "x:1" }, port: 2 });
  });
});

test("a moving tag is a warning, a version and a digest are not", async () => {
  const warned = async (image: string): Promise<number> =>
    (await load(`name: t\nservices: {a: {image: '${image}'}}`)).warnings.length;
  expect(await warned("x")).toBe(1);
  expect(await warned("localhost:5000/x/y:latest")).toBe(1);
  expect(await warned("localhost:5000/x/y:1.2")).toBe(0);
  expect(await warned(`x@sha256:${"a".repeat(64)}`)).toBe(0);
});

test("a template is taken as it is for the machine's hardware, which is asked for only when it matters", async () => {
  const asked: string[] = [];
  const machine = async (): Promise<Machine> => {
    asked.push("asked");
    return { architecture: "amd64", gpus: [{ id: "amd", vendor: "amd", name: "AMD GPU" }] };
  };
  const ollama = await load("services:\n  llm: { template: ollama }\n", { machine });
  const example = await load("services:\n  echo: { template: example }\n", { machine });

  expect(ollama.stack.services[0]).toMatchObject({
    image: { ref: expect.stringContaining("rocm") },
  });
  expect(example.stack.services).toHaveLength(1);
  expect(asked).toEqual(["asked"]);
});

test("more than the makers of GPUs is asked for only where a choice depends on it", async () => {
  const needs: boolean[] = [];
  const machine = async ({ facts }: Readonly<{ facts: boolean }>): Promise<Machine> => {
    needs.push(facts);
    return { architecture: "amd64", gpus: [{ id: "GPU-1", vendor: "nvidia", name: "L4" }] };
  };
  const services = (gpus: string) =>
    load(`services:\n  llm: { template: ollama, gpus: ${gpus} }\n`, { machine });
  await services("auto");
  const { choices } = await services('["nvidia.com/gpu=GPU-1"]');

  expect(needs).toEqual([false, true]);
  expect(choices[0]?.choice).toMatchObject({ variant: { name: "cuda" }, gpus: ["GPU-1"] });
});
