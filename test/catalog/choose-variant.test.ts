import { describe, expect, test } from "vitest";
import { chooseVariant } from "../../src/catalog/choose-variant.ts";
import type { Machine, MachineGpu } from "../../src/catalog/machine.ts";
import { keysOf, type Template, templateSchema } from "../../src/catalog/template.ts";

const l4: MachineGpu = {
  id: "GPU-1",
  vendor: "nvidia",
  name: "NVIDIA L4",
  memoryBytes: 23_034 * 1024 ** 2,
  compute: "8.9",
  driver: "580.65.06",
};

function templateOf(...variants: readonly object[]): Template {
  const read = templateSchema.parse({
    id: "x",
    title: "X",
    description: "X.",
    homepage: "https://x.example",
    licence: "MIT",
    service: { port: 80, environment: { A: "1" } },
    variants,
    provenance: [{ fact: "all", source: "here" }],
  });
  return { ...read, directory: "/x", file: "/x/service.yaml" };
}

const machineWith = (...gpus: readonly MachineGpu[]): Machine => ({ architecture: "amd64", gpus });

const three = templateOf(
  {
    name: "new",
    when: { vendor: "nvidia", compute: ">=9", driver: ">=580" },
    because: "it is built for newer GPUs",
  },
  {
    name: "cuda",
    when: { vendor: "nvidia", compute: ">=7.5 <9", vram: ">=8" },
    because: "CUDA 12 has all it needs",
    service: { image: "x:cuda", environment: { B: "2" } },
  },
  { name: "cpu", when: { architecture: "amd64" }, because: "there is no GPU" },
);

test("the first variant whose conditions hold is taken, with what was thought of those before it", () => {
  expect(chooseVariant(three, machineWith(l4))).toEqual({
    kind: "chosen",
    variant: expect.objectContaining({ name: "cuda" }),
    gpus: ["GPU-1"],
    considered: [
      {
        variant: "new",
        fits: false,
        because: "NVIDIA L4 has compute capability 8.9, which must be >=9",
      },
      {
        variant: "cuda",
        fits: true,
        because:
          "NVIDIA L4 (compute capability 8.9, driver 580.65.06, 22 GiB): CUDA 12 has all it needs",
      },
    ],
  });
});

describe("what is not known", () => {
  test("is never assumed: a GPU that tells nothing fits only a variant without conditions on it", () => {
    const mute: MachineGpu = { id: "nvidia", vendor: "nvidia", name: "NVIDIA GPU" };
    const choice = chooseVariant(three, machineWith(mute));
    expect(choice).toMatchObject({ kind: "chosen", variant: { name: "cpu" }, gpus: [] });
    expect(choice.considered[0]?.because).toBe(
      "NVIDIA GPU does not tell its compute capability, which must be >=9",
    );
  });

  test("ends in a refusal with every reason where no variant is left", () => {
    expect(chooseVariant(three, { architecture: "riscv64", gpus: [] })).toEqual({
      kind: "refused",
      considered: [
        { variant: "new", fits: false, because: "it needs an NVIDIA GPU, the engine offers none" },
        { variant: "cuda", fits: false, because: "it needs an NVIDIA GPU, the engine offers none" },
        { variant: "cpu", fits: false, because: "it is for amd64, the engine runs riscv64" },
      ],
    });
  });
});

test("a stack file that says `gpus: none`, or names a GPU, is heard", () => {
  expect(chooseVariant(three, machineWith(l4), "none")).toMatchObject({ variant: { name: "cpu" } });
  const small = { ...l4, id: "GPU-2", memoryBytes: 4 * 1024 ** 3 };
  expect(chooseVariant(three, machineWith(l4, small), ["GPU-2"])).toMatchObject({
    variant: { name: "cpu" },
  });
  expect(chooseVariant(three, machineWith(small, l4))).toMatchObject({ gpus: ["GPU-1"] });
});

test("versions are compared part by part", () => {
  const only = (driver: string) =>
    templateOf({ name: "v", when: { vendor: "nvidia", driver }, because: "." });
  const kindOf = (driver: string) => chooseVariant(only(driver), machineWith(l4)).kind;
  expect([">=580", ">=580.65.6", ">580.65", "<580.100", "=580.65.06"].map(kindOf)).toEqual(
    Array.from({ length: 5 }, () => "chosen"),
  );
  expect([">=580.66", "<580", "580"].map(kindOf)).toEqual(["refused", "refused", "refused"]);
});

test("a variant's keys win, and its maps are laid over those of all variants", () => {
  expect(keysOf(three, three.variants[1])).toEqual({
    port: 80,
    image: "x:cuda",
    environment: { A: "1", B: "2" },
  });
});

test("a template without variants runs everywhere", () => {
  expect(chooseVariant(templateOf(), machineWith())).toEqual({
    kind: "chosen",
    gpus: [],
    considered: [],
  });
});

test("conditions on a GPU without its maker would hold for machines that have none, so they are no template", () => {
  const variant = { name: "large", when: { vram: ">=8" }, because: "it is large" };
  expect(() => templateOf(variant)).toThrow("name its `vendor`");
});
