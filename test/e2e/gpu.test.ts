import { afterAll, beforeAll, expect, test } from "vitest";
import type { GpuInventory } from "../../src/apply/gpu-inventory.ts";
import type { StackStatus } from "../../src/apply/stack-status.ts";
import type { ChangeDocument } from "../../src/changing-command.ts";
import type { FailureDocument } from "../../src/nexus-command.ts";
import { type PrivateEngine, startSecondEngine } from "../bed/bed.ts";
import { callEngine } from "../bed/engine-http.ts";
import {
  type Inspected,
  inspectStack,
  services,
  type StackFolder,
  stackFolder,
} from "../support/cli.ts";

const facts = { name: "NVIDIA L4", memoryMiB: 24_576, compute: "8.9", driver: "580.65.06" };
const cards = ["GPU-aaaa", "GPU-bbbb"].map((uuid) => ({ ...facts, uuid, usedMiB: 512 }));
const worker = { image: "nexus-test/pause:1", gpus: 1 };
const ollama = { template: "ollama", models: ["llama3.2:1b"], gpus: 1 };
const open: AsyncDisposable[] = [];
let engine: PrivateEngine;

beforeAll(async () => {
  engine = await startSecondEngine({ cards });
  open.push(engine);
});

afterAll(async () => {
  for (const each of open.toReversed()) await each[Symbol.asyncDispose]();
});

async function on(specs: Readonly<Record<string, object>>): Promise<StackFolder> {
  const { dockerHost, socketPath } = engine;
  const stack = await stackFolder(services(specs), {
    environment: { DOCKER_HOST: dockerHost },
    socketPath,
  });
  open.push(stack);
  return stack;
}

/** The GPUs that a stack's containers were asked for, by service. */
async function devices(stack: StackFolder): Promise<Readonly<Record<string, unknown>>> {
  const containers = await inspectStack(stack.name, engine.socketPath);
  const asked = containers.map(({ Config, HostConfig }: Inspected) => {
    const requests = HostConfig["DeviceRequests"] as readonly { DeviceIDs: string[] }[] | null;
    return [Config.Labels["io.nexus.service"] ?? "", requests?.flatMap((it) => it.DeviceIDs) ?? []];
  });
  return Object.fromEntries(asked);
}

async function hasImage(reference: string): Promise<boolean> {
  const path = `/images/${reference}/json`;
  return (await callEngine(engine.socketPath, { path })).status === 200;
}

test("a stack that cannot fit is refused with alternatives before anything is pulled", async () => {
  const stack = await on({
    first: { ...worker, vram: "20GiB" },
    second: { ...worker, vram: "20GiB" },
    third: { ...worker, vram: "8GiB" },
  });
  const { exitCode, document } = await stack.json<FailureDocument>("up");

  expect(await hasImage(worker.image)).toBe(false);
  expect(await inspectStack(stack.name, engine.socketPath)).toEqual([]);
  expect(exitCode).toBe(7);
  expect(document.error).toMatchObject({
    code: "NEXUS_GPU_OVERBOOKED",
    message: expect.stringContaining("NVIDIA L4 GPU-aaaa (24 GiB) is held by first (20 GiB)"),
    remedy: expect.stringContaining("Declare `vram: 4GiB` for third"),
  });
});

test("one that fits gets GPUs of its own by UUID, seen in the device requests; a second `up` writes nothing", async () => {
  const stack = await on({ first: worker, second: worker });
  await stack.must("up");
  const before = await inspectStack(stack.name, engine.socketPath);
  const again = await stack.json<ChangeDocument>("up");

  expect(await devices(stack)).toEqual({
    gateway: [],
    first: ["GPU-aaaa"],
    second: ["GPU-bbbb"],
  });
  expect(again.document.services.every(({ outcome }) => outcome === "unchanged")).toBe(true);
  const ids = (containers: readonly Inspected[]) => containers.map(({ Id }) => Id);
  expect(ids(await inspectStack(stack.name, engine.socketPath))).toEqual(ids(before));

  const { document } = await stack.json<GpuInventory>("gpu", "ls");
  expect(document.gpus).toMatchObject([
    {
      id: "GPU-aaaa",
      driver: "580.65.06",
      compute: "8.9",
      memoryBytes: 24 * 1024 ** 3,
      holders: [{ stack: stack.name, service: "first" }],
    },
    { id: "GPU-bbbb", holders: [{ service: "second" }] },
  ]);
  await stack.must("down");
});

test("a cordoned GPU is given to no stack until it is given free, and who has it keeps it", async () => {
  const [one, two] = [await on({ first: worker }), await on({ second: worker })];
  await one.must("up");
  await one.must("gpu", "cordon", "GPU-a", "--reason", "runs hot");
  const plan = await one.must("plan");
  await two.must("up");

  expect(plan.stdout + plan.stderr).toContain(
    "first stays on the GPU GPU-aaaa, which is cordoned (runs hot)",
  );
  expect((await devices(one))["first"]).toEqual(["GPU-aaaa"]);
  expect((await devices(two))["second"]).toEqual(["GPU-bbbb"]);
  expect((await two.must("gpu", "ls")).stdout).toContain("cordoned (runs hot)");

  await one.write(services({ first: { ...worker, environment: { LEVEL: "debug" } } }));
  await two.must("down");
  await one.must("up");
  expect((await devices(one))["first"]).toEqual(["GPU-bbbb"]);

  await one.must("gpu", "uncordon", "GPU-aaaa");
  await one.must("down");
});

test("an Ollama that computes on its GPU is ready, told in `status`, and can be told to let go", async () => {
  const stack = await on({ ollama });
  await stack.must("up");
  const { document } = await stack.json<StackStatus>("status");

  expect(document.services.find(({ service }) => service === "ollama")).toMatchObject({
    atLevel: true,
    gpu: { kind: "gpu", ids: ["GPU-aaaa"] },
  });
  expect((await stack.must("gpu", "release", "ollama")).stdout).toContain("llama3.2:1b");
  expect((await stack.must("status")).stdout).toMatch(/GPU.*\n.*\n.*unknown/);

  // What a `systemctl daemon-reload` does to a container: nvidia-smi cannot reach the driver any more.
  const lose = "echo 'Failed to initialize NVML: Unknown Error'; exit 255";
  await stack.must(
    "exec",
    "ollama",
    "--",
    "sh",
    "-c",
    `printf '#!/bin/sh\\n%s\\n' "${lose}" > /usr/bin/nvidia-smi`,
  );
  const lost = await stack.run("status");
  expect(lost.exitCode).toBe(4);
  expect(lost.stdout).toContain("GPU LOST");
  expect(lost.stdout).toContain("nexus restart ollama");
  const again = await stack.json<ChangeDocument>("up");
  expect(again.exitCode).toBe(4);
  expect(again.document.services.find(({ service }) => service === "ollama")).toMatchObject({
    outcome: "failed",
    failure: { cause: { kind: "gpu-unused", lost: true } },
  });
  await stack.must("restart", "ollama");
  await stack.must("status");
  await stack.must("up");
  await stack.must("down");
});

test("an Ollama that computes on the processor although it has a GPU is caught; one in part is warned of", async () => {
  const lying = await on({ ollama: { ...ollama, environment: { STAND_IN_LIE: "cpu" } } });
  const { exitCode, document } = await lying.json<ChangeDocument>("up");

  expect(exitCode).toBe(4);
  expect(document.services.find(({ service }) => service === "ollama")).toMatchObject({
    outcome: "failed",
    failure: {
      cause: { kind: "gpu-unused", lost: false },
      message: expect.stringContaining("computes on the CPU"),
      remedy: expect.stringContaining("the model is too large"),
    },
  });
  await lying.must("down");

  const partial = await on({ ollama: { ...ollama, environment: { STAND_IN_GPU_PART: "0.48" } } });
  const { document: report } = await partial.json<ChangeDocument>("up");
  expect(report.warnings).toContainEqual(
    expect.stringContaining("ollama computes on its GPU in part (48 %)"),
  );
  expect((await partial.must("status")).stdout).toContain("PARTIAL 48 %");
});
