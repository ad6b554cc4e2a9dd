import { expect, test } from "vitest";
import {
  cordonGpu,
  readGpuInventory,
  UnknownGpuError,
  uncordonGpu,
} from "../../src/apply/gpu-inventory.ts";
import { readGatewayImage } from "../../src/apply/gateway-image.ts";
import { chooseNodeBase } from "../../src/apply/node-base.ts";
import { formatGpus } from "../../src/terminal/gpus.ts";
import { plainTheme } from "../../src/terminal/theme.ts";
import { plainRequest } from "../engine/subject.ts";
import { gib, gpu } from "../support/builders.ts";
import { InMemoryEngine } from "../support/in-memory-engine.ts";

const gpus = [
  gpu("GPU-11", { usedBytes: 2 * gib, driver: "580.65.06", compute: "8.9" }),
  gpu("GPU-12"),
];

/** An engine with two GPUs on which a service of the stack `home` runs. */
async function engineWith(vramBytes?: number): Promise<InMemoryEngine> {
  const description = { gpuKinds: ["nvidia"] } as const;
  const bare = new InMemoryEngine({ description });
  const base = chooseNodeBase(await bare.describe(), undefined);
  const { ref } = await readGatewayImage(base);
  const engine = new InMemoryEngine({ description, gpus, images: ["vllm:1", ref] });
  const network = await engine.networks.create({ name: "home", stack: "home", internal: false });
  const note = {
    known: gpus,
    holds: ["GPU-11"],
    ...(vramBytes === undefined ? {} : { vramBytes }),
  };
  const request = { ...plainRequest("home"), image: "vllm:1", gpuNote: note };
  await engine.containers.start(await engine.containers.create(request, network));
  return engine;
}

test("every GPU is shown with its facts, who holds it and what nobody declares", async () => {
  const inventory = await readGpuInventory(await engineWith(8 * gib));

  expect(inventory).toMatchObject({
    asked: true,
    gpus: [
      {
        id: "GPU-11",
        driver: "580.65.06",
        compute: "8.9",
        usedBytes: 2 * gib,
        holders: [{ stack: "home", vramBytes: 8 * gib }],
        leftBytes: 16 * gib,
      },
      { id: "GPU-12", holders: [], leftBytes: 24 * gib },
    ],
  });
  const shown = formatGpus(inventory, { theme: plainTheme });
  expect(shown).toMatch(
    /GPU-11 +RTX 4090 +24 GiB +2 GiB +16 GiB +580\.65\.06 +8\.9 +.*of the stack home \(8 GiB\)/,
  );
});

test("what is left is not known where a holder declares nothing", async () => {
  const { gpus: entries } = await readGpuInventory(await engineWith());

  expect(entries.map(({ leftBytes }) => leftBytes)).toEqual([undefined, 24 * gib]);
});

test("a GPU is cordoned by a beginning of its id that no other has, for a reason that can change, until it is given free", async () => {
  const engine = await engineWith();
  const cordons = async () =>
    (await readGpuInventory(engine)).gpus.map(({ cordon }) => cordon?.reason);

  await expect(cordonGpu(engine, "GPU-1", "")).rejects.toThrow(UnknownGpuError);
  await expect(cordonGpu(engine, "GPU-9", "")).rejects.toMatchObject({
    code: "NEXUS_GPU_UNKNOWN",
    remedy: expect.stringContaining("GPU-11, GPU-12"),
  });
  expect(await cordonGpu(engine, "GPU-12", "runs hot")).toMatchObject({ id: "GPU-12" });
  expect(await cordons()).toEqual([undefined, "runs hot"]);
  await cordonGpu(engine, "nvidia.com/gpu=GPU-12", "goes back");
  expect(await cordons()).toEqual([undefined, "goes back"]);
  expect(formatGpus(await readGpuInventory(engine), { theme: plainTheme })).toContain(
    "✘ cordoned (goes back)",
  );
  expect(await uncordonGpu(engine, "GPU")).toBe("GPU-12");
  expect(await cordons()).toEqual([undefined, undefined]);
  await expect(uncordonGpu(engine, "GPU-12")).rejects.toThrow(
    "The engine has no cordoned GPU that is called GPU-12, or more than one.",
  );
  expect(await engine.stacks()).toEqual(["home"]);
});

test("an engine without GPUs has an empty list and says where to look", async () => {
  const inventory = await readGpuInventory(new InMemoryEngine());

  expect(inventory).toMatchObject({ asked: true, gpus: [] });
  expect(formatGpus(inventory, { theme: plainTheme })).toContain("nexus doctor");
});
