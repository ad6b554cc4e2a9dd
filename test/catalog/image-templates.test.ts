import { describe, expect, test } from "vitest";
import { findTemplate, readCatalog } from "../../src/catalog/catalog.ts";
import { chooseVariant } from "../../src/catalog/choose-variant.ts";
import type { Machine } from "../../src/catalog/machine.ts";
import { imagesOf, keysOf } from "../../src/catalog/template.ts";
import { amd, machine, nvidia } from "./machines.ts";

const catalog = await readCatalog();

/** The tag that a template takes on a machine; undefined when it is refused. */
function tagOn(id: string, wanted: Machine): string | undefined {
  const template = findTemplate(catalog, id);
  const choice = chooseVariant(template, wanted);
  if (choice.kind === "refused") return undefined;
  return String(keysOf(template, choice.variant)["image"]).split(":").at(-1);
}

const ada = nvidia("8.9", "580.65.06");
const oldDriver = nvidia("8.9", "535.1");
const pascal = nvidia("6.1", "580.65.06");
const blackwell = nvidia("12.0", "580.65.06");
const spark = nvidia("12.1", "580.95");

describe("images are made by the build that fits the hardware", () => {
  test.each([
    ["localai", "an Ada GPU", machine("amd64", ada), "v4.9.0-gpu-nvidia-cuda-13"],
    ["localai", "an older driver", machine("amd64", oldDriver), "v4.9.0-gpu-nvidia-cuda-12"],
    ["localai", "a Pascal GPU", machine("amd64", pascal), "v4.9.0-gpu-nvidia-cuda-12"],
    ["localai", "a DGX Spark", machine("arm64", spark), "v4.9.0-nvidia-l4t-arm64-cuda-13"],
    ["localai", "a Jetson", machine("arm64", nvidia("8.7", "540.4")), "v4.9.0-nvidia-l4t-arm64"],
    ["localai", "an AMD GPU", machine("amd64", amd), "v4.9.0-gpu-vulkan"],
    ["localai", "no GPU", machine("amd64"), "v4.9.0"],
    ["localai", "an arm64 machine", machine("arm64"), "v4.9.0"],
    ["localai", "an unknown architecture", machine("riscv64"), undefined],
    ["sdcpp", "an Ada GPU", machine("amd64", ada), "master-cuda"],
    ["sdcpp", "a DGX Spark", machine("arm64", spark), "master-cuda-spark"],
    ["sdcpp", "an AMD GPU", machine("amd64", amd), "master-vulkan"],
    ["sdcpp", "no GPU", machine("amd64"), undefined],
    ["comfyui", "an Ada GPU", machine("amd64", ada), "cu130-slim-v2-20260814"],
    ["comfyui", "a Blackwell GPU", machine("amd64", blackwell), "cu130-slim-v2-20260814"],
    ["comfyui", "an older driver", machine("amd64", oldDriver), "cu126-slim-20260914"],
    ["comfyui", "a Pascal GPU", machine("amd64", pascal), "cu126-slim-20260914"],
    ["comfyui", "Blackwell, older driver", machine("amd64", nvidia("12.0", "570.1")), "cpu"],
    ["comfyui", "an AMD GPU", machine("amd64", amd), "rocm"],
    ["comfyui", "no GPU", machine("amd64"), "cpu"],
    ["comfyui", "an arm64 machine", machine("arm64"), undefined],
    ["invokeai", "an Ada GPU", machine("amd64", ada), "v6.13.8-cuda"],
    ["invokeai", "an AMD GPU", machine("amd64", amd), "v6.13.8-rocm"],
    ["invokeai", "no GPU", machine("amd64"), "v6.13.8-cpu"],
    ["invokeai", "an arm64 machine", machine("arm64"), undefined],
    ["qwen3-tts", "an AMD GPU", machine("amd64", amd), "v4.9.0-gpu-hipblas"],
    ["lighton-ocr", "an older driver", machine("amd64", oldDriver), "v0.29.0-cu129"],
    ["lighton-ocr", "no GPU", machine("amd64"), undefined],
  ])("%s with %s", (id, _hardware, wanted, tag) => {
    expect(tagOn(id, wanted)).toBe(tag);
  });
});

test("images are made by LocalAI first: it is the one that fetches a model by name", () => {
  const ranked = catalog
    .flatMap(({ id, jobs }) => (jobs.images ? [{ id, rank: jobs.images.rank }] : []))
    .toSorted((left, right) => left.rank - right.rank);
  expect(ranked.map(({ id }) => id)).toEqual(["localai", "comfyui", "invokeai", "sdcpp"]);
});

test("what has no image says so, and names the way that is left", () => {
  const missing = catalog.filter((template) => template.missing !== undefined);
  expect(missing.flatMap(imagesOf)).toEqual([]);
  const silent = missing.filter(
    ({ id, missing: why }) => !why?.includes(`nexus add service ${id} --scaffold`),
  );
  expect(silent).toEqual([]);
  expect(missing.map(({ id }) => id)).toEqual(
    expect.arrayContaining(["heartmula", "luxtts", "personaplex", "skyreels", "telegram-bot"]),
  );
});

test.each(["sdcpp", "espeak"])("%s fetches nothing, and has no way out", (id) => {
  expect(findTemplate(catalog, id).service["egress"]).toBe(false);
});
