import { expect, test } from "vitest";
import { isSettled } from "../../src/apply/find-gpus.ts";
import type { GpuRequest } from "../../src/stack/stack.ts";
import { container, service } from "../support/builders.ts";

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
