import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { missingGpus } from "../../src/apply/verify-gpu.ts";
import type { GpuDevices } from "../../src/engine/engine.ts";
import { plainRequest } from "../engine/subject.ts";
import { type Behaviour, InMemoryEngine } from "../support/in-memory-engine.ts";

const given: GpuDevices = { kind: "nvidia", ids: ["GPU-1", "GPU-2"] };

async function started(behaviour: Behaviour): Promise<readonly [InMemoryEngine, string]> {
  const engine = new InMemoryEngine({ images: ["vllm:1"], behaviour: () => behaviour });
  const network = await engine.networks.create({ name: "home", stack: "home", internal: false });
  const id = await engine.containers.create({ ...plainRequest("home"), image: "vllm:1" }, network);
  await engine.containers.start(id);
  return [engine, id];
}
const saying = (stdout: string, exitCode = 0): Behaviour => ({
  exec: () => ({ stdout, exitCode }),
});

test("a container that lists all of its GPUs has them", async () => {
  const [engine, id] = await started(saying("GPU 0: L4 (UUID: GPU-1)\nGPU 1: L4 (UUID: GPU-2)\n"));

  expect(await missingGpus(engine, id, given)).toBeUndefined();
});

test("a GPU that the container does not list is named, however well the engine's `inspect` looks", async () => {
  const [engine, id] = await started(saying("GPU 0: L4 (UUID: GPU-1)\n"));

  expect(await missingGpus(engine, id, given)).toBe("it was given GPU-2 and does not see it");
});

test("a container without the driver's program has no GPU", async () => {
  const [engine, id] = await started(saying("", 127));

  expect(await missingGpus(engine, id, given)).toBe(
    "it was given GPU-1, GPU-2 and does not see it",
  );
});

test("a CDI device is looked for under its own name", async () => {
  const [engine, id] = await started(saying("GPU 0: L4 (UUID: GPU-1)\n"));

  expect(
    await missingGpus(engine, id, { kind: "cdi", ids: ["nvidia.com/gpu=GPU-1"] }),
  ).toBeUndefined();
});

test("a container that has already died is left to the wait, which knows why", async () => {
  const [engine, id] = await started({ exit: { code: 3 } });
  await expect.poll(async () => (await engine.containers.inspect(id))?.state).toBe("exited");

  expect(await missingGpus(engine, id, given)).toBeUndefined();
});

test("a program of the container's own that talks without an end is given up", async () => {
  const [engine, id] = await started(saying(""));
  const endless = function* () {
    for (;;) yield Buffer.from("GPU 0: L4 (UUID: GPU-1)\nGPU 1: L4 (UUID: GPU-2)\n".repeat(1_000));
  };
  const lying = Object.assign(Object.create(engine) as InMemoryEngine, {
    containers: Object.assign(Object.create(engine.containers) as typeof engine.containers, {
      exec: async (container: string, command: readonly string[]) => ({
        ...(await engine.containers.exec(container, command)),
        stdout: Readable.from(endless()),
        exitCode: new Promise<number>(() => {}),
      }),
    }),
  });

  expect(await missingGpus(lying, id, given)).toBe("it was given GPU-1, GPU-2 and does not see it");
});
