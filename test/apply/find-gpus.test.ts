import { expect, test } from "vitest";
import { findGpus, isSettled, rememberedGpus } from "../../src/apply/find-gpus.ts";
import { readGatewayImage } from "../../src/apply/gateway-image.ts";
import { chooseNodeBase } from "../../src/apply/node-base.ts";
import type { Gpu } from "../../src/engine/engine.ts";
import type { GpuRequest } from "../../src/stack/stack.ts";
import {
  container,
  engineDescription,
  foreign,
  gpu,
  service,
  stackOf,
} from "../support/builders.ts";
import { InMemoryEngine } from "../support/in-memory-engine.ts";

const one: GpuRequest = { kind: "count", count: 1 };
const auto: GpuRequest = { kind: "auto" };

/** Whether nobody has to be asked when `llm` asks for this and its container holds these. */
function settled(asks: GpuRequest, ids: readonly string[], mayHaveNew = true): boolean {
  const gpus = ids.length === 0 ? {} : { gpus: { kind: "nvidia", ids } as const };
  const held = container("llm", gpus);
  return isSettled([service("llm", { gpus: asks })], { containers: [held] }, { mayHaveNew });
}

test("a service that holds what it asks for needs no question", () => {
  expect(settled(one, ["GPU-1"])).toBe(true);
  expect(settled({ kind: "all" }, ["GPU-1", "GPU-2"])).toBe(true);
  expect(settled({ kind: "ids", ids: ["nvidia.com/gpu=GPU-1"] }, ["GPU-1"])).toBe(true);
  expect(settled(auto, ["GPU-1"])).toBe(true);
});

test("one that now asks for more, or for another one, is not judged by what it has", () => {
  expect(settled({ kind: "count", count: 2 }, ["GPU-1"])).toBe(false);
  expect(settled({ kind: "ids", ids: ["GPU-2"] }, ["GPU-1"])).toBe(false);
  expect(settled({ kind: "ids", ids: ["GPU-1", "GPU-2"] }, ["GPU-1"])).toBe(false);
});

test("a service on the CPU gets the GPU that came after it, and nobody is asked where none can have come", () => {
  expect(settled(auto, [], true)).toBe(false);
  expect(settled(auto, [], false)).toBe(true);
});

test("a service without a container asks", () => {
  const wanting = [service("llm", { gpus: auto })];

  expect(isSettled(wanting, { containers: [] }, { mayHaveNew: false })).toBe(false);
});

test("of containers that remember a GPU differently the newest is believed: its driver was changed meanwhile", () => {
  const noted = (name: string, createdAt: string, driver: string) =>
    foreign(name, { createdAt, gpuNote: { known: [gpu("GPU-1", { driver })], holds: [] } });
  const late = noted("late", "2026-03-01T00:00:00.000Z", "580.65.06");
  const early = noted("early", "2026-01-01T00:00:00.000Z", "535.54.03");

  for (const listed of [
    [late, early],
    [early, late],
  ])
    expect(rememberedGpus({ containers: [], foreign: listed })).toEqual([
      gpu("GPU-1", { driver: "580.65.06" }),
    ]);
});

test("a GPU of which an older Nexus wrote nothing down is asked about, and stays when nobody answers", async () => {
  const found = async (gpus: readonly Gpu[]) => {
    const description = engineDescription({ gpuKinds: ["nvidia"] });
    const gatewayImage = await readGatewayImage(chooseNodeBase(description, undefined));
    const engine = new InMemoryEngine({ gpus, images: [gatewayImage.ref] });
    const observed = {
      ...(await engine.observe("home", [gatewayImage.ref])),
      containers: [container("llm", { gpus: { kind: "nvidia", ids: ["GPU-1"] } })],
    };
    const stack = stackOf([service("llm", { gpus: one })]);
    return findGpus({ engine, stack, description, observed, gatewayImage });
  };
  const known = gpu("GPU-1", { driver: "580.65.06", compute: "8.9" });

  expect(await found([known])).toEqual([known]);
  expect(await found([])).toEqual([{ id: "GPU-1", name: "GPU-1", vendor: "nvidia" }]);
});
