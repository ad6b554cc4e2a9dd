import { expect, test } from "vitest";
import { chooseVariant } from "../../src/catalog/choose-variant.ts";
import { explainGpus } from "../../src/plan/explain-gpus.ts";
import type { ServiceChoice } from "../../src/stack/load.ts";
import { explanationDocument, formatExplanation } from "../../src/terminal/explanation.ts";
import { machineWith, nvidia, templateOf } from "../catalog/templates.ts";
import { engineDescription, gib, service, stackOf, upInput } from "../support/builders.ts";

const l4 = nvidia("L4", "8.9", 22);
const speech = templateOf("speech", {
  variants: [
    { name: "new", when: { vendor: "nvidia", compute: ">=10" }, because: "it is for newer GPUs" },
    { name: "cuda", when: { vendor: "nvidia" }, because: "it is built on CUDA" },
  ],
});
const choices: readonly ServiceChoice[] = [
  { service: "say", template: "speech", choice: chooseVariant(speech, machineWith([l4])) },
];
const input = upInput(
  stackOf([
    service("say", { gpus: { kind: "auto" }, vramBytes: 20 * gib }),
    service("chat", { gpus: { kind: "auto" }, vramBytes: 4 * gib }),
    service("web"),
  ]),
  { engine: engineDescription({ gpuKinds: ["nvidia"] }), gpus: [l4] },
);

test("every row of the choice is told, and what became of GPUs", () => {
  expect(formatExplanation({ choices, gpus: explainGpus(input) })).toMatchInlineSnapshot(`
    "say: speech as cuda
      – new   NVIDIA L4 has compute capability 8.9, which must be >=10
      ✔ cuda  NVIDIA L4 (compute capability 8.9, driver 580.65.06, 22 GiB): it is built on CUDA
      takes NVIDIA L4 GPU-L4 (22 GiB), 20 GiB of it

    chat: runs on the CPU: the GPU has no 4 GiB left beside say"
  `);
});

test("what declares nothing takes a GPU whole, and what only measures takes nothing of it", () => {
  const gpus = { kind: "auto" } as const;
  const tell = (need: Readonly<{ vramBytes?: number }>) =>
    explainGpus({ ...input, stack: stackOf([service("say", { gpus, ...need })]) })[0]?.because;

  expect(tell({})).toBe("takes NVIDIA L4 GPU-L4 (22 GiB), all of it: it declares no `vram`");
  expect(tell({ vramBytes: 0 })).toBe("sees NVIDIA L4 GPU-L4 (22 GiB) and takes nothing of it");
});

test("the same is a document", () => {
  expect(explanationDocument({ choices, gpus: explainGpus(input) })).toMatchObject([
    {
      service: "say",
      template: "speech",
      choice: { variant: "cuda", fits: true, considered: [{ fits: false }, { fits: true }] },
      gpu: { gpus: ["GPU-L4"] },
    },
    { service: "chat", template: null, choice: null, gpu: { gpus: [] } },
  ]);
});

test("a refusal is told with every row, where no plan could be made", () => {
  const refused = [
    { service: "say", template: "speech", choice: chooseVariant(speech, machineWith()) },
  ];
  expect(formatExplanation({ choices: refused, gpus: [] })).toMatch(
    /^say: speech as no variant\n {2}– new .*\n {2}– cuda .*the engine offers none$/,
  );
});
