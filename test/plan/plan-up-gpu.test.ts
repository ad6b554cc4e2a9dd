import { expect, test } from "vitest";
import type { GpuNote } from "../../src/engine/engine.ts";
import { cordonLabel, cordonVolume } from "../../src/plan/gpu-cordon.ts";
import { explainGpus } from "../../src/plan/explain-gpus.ts";
import { GpuCordonedError, GpuOverbookedError, NoGpuError } from "../../src/plan/gpu-errors.ts";
import type { Plan, UpInput } from "../../src/plan/plan.ts";
import type { ContainerService } from "../../src/stack/stack.ts";
import { foreign, gib, gpu, service, stackOf, upInput, volume } from "../support/builders.ts";
import { emptyWorld, type World } from "./model.ts";
import { planIn, up, withGpus } from "./scenario.ts";

const one = { kind: "count", count: 1 } as const;
const vllm = (more: Partial<ContainerService> = {}) => service("vllm", { gpus: one, ...more });

function world(change: Partial<UpInput["observed"]>, from: World = emptyWorld): World {
  return { ...from, observed: { ...from.observed, ...change } };
}

/** The world in which these GPUs are cordoned. */
function cordoned(from: World, ...ids: readonly string[]): World {
  const cordons = ids.map((id) =>
    volume(`nexus-cordon-${id}`, { labels: cordonVolume(id, "runs hot").labels }),
  );
  return world({ volumes: [...from.observed.volumes, ...cordons] }, from);
}

/** The world in which a service of another stack holds G1. */
function besides(note: Partial<GpuNote>): World {
  const gpuNote = { known: [], holds: ["G1"], ...note };
  return world({
    foreign: [foreign("lab-vllm-1", { owner: "lab", service: "vllm", gpuNote })],
  });
}

/** Which GPUs the containers of a plan are created with. */
function given(plan: Plan): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    plan.actions.flatMap((action) =>
      action.kind === "create" && action.container.gpuNote
        ? [[action.service, action.container.gpuNote.holds]]
        : [],
    ),
  );
}

test("a container remembers the GPUs that there are, what it was given and what it declared for each", () => {
  const plan = planIn(
    emptyWorld,
    stackOf([vllm({ gpus: { kind: "count", count: 2 }, vramBytes: 20 * gib }), service("web")]),
    { ...withGpus(), gpus: [gpu("G1", { usedBytes: gib }), gpu("G2")] },
  );
  const notes = plan.actions.flatMap((action) =>
    action.kind === "create" ? [[action.service, action.container.gpuNote]] : [],
  );

  expect(Object.fromEntries(notes)).toEqual({
    gateway: undefined,
    web: undefined,
    vllm: { known: [gpu("G1"), gpu("G2")], holds: ["G1", "G2"], vramBytes: 10 * gib },
  });
});

test("what is remembered changes no container: with newer facts there is nothing to do", () => {
  const stack = stackOf([vllm({ vramBytes: 8 * gib })]);
  const settled = up(stack, withGpus("G1"));
  const facts = { ...withGpus(), gpus: [gpu("G1", { driver: "580.65.06", compute: "8.9" })] };

  expect(planIn(settled, stack, facts).actions).toEqual([]);
});

test("a declared need reaches the software as its part of the memory, rounded down", () => {
  const commandOf = (more: Partial<ContainerService>) => {
    const stack = stackOf([vllm({ vramArgument: "--gpu-memory-utilization", ...more })]);
    const plan = planIn(emptyWorld, stack, withGpus("G1", "G2"));
    return plan.actions.flatMap((action) =>
      action.kind === "create" && action.service === "vllm" ? [action.container.command] : [],
    )[0];
  };

  expect(commandOf({ vramBytes: 8 * gib })).toEqual(["--gpu-memory-utilization", "0.33"]);
  expect(
    commandOf({
      vramBytes: 36 * gib,
      gpus: { kind: "count", count: 2 },
      command: ["--model", "m"],
    }),
  ).toEqual(["--model", "m", "--gpu-memory-utilization", "0.75"]);
  expect(commandOf({ vramBytes: 1, command: [] })).toEqual(["--gpu-memory-utilization", "0.01"]);
  expect(commandOf({})).toBeUndefined();
  expect(commandOf({ gpus: { kind: "none" }, vramBytes: 8 * gib })).toBeUndefined();
  const own = ["--gpu-memory-utilization=0.5"];
  expect(commandOf({ vramBytes: 8 * gib, command: own })).toEqual(own);
});

test("a cordoned GPU is given to nobody, and where none is left the reason is told", () => {
  const stack = stackOf([service("ollama", { gpus: { kind: "auto" } })]);

  expect(given(planIn(cordoned(emptyWorld, "G1"), stack, withGpus("G1", "G2")))).toEqual({
    ollama: ["G2"],
  });
  expect(planIn(cordoned(emptyWorld, "G1"), stack, withGpus("G1")).warnings).toEqual([
    "ollama runs on the CPU: RTX 4090 G1 (24 GiB) is cordoned (runs hot)",
  ]);
});

test("all GPUs are all but the cordoned ones; one that is asked for by name is refused", () => {
  const asking = (gpus: ContainerService["gpus"]) => () =>
    planIn(cordoned(emptyWorld, "G1"), stackOf([vllm({ gpus })]), withGpus("G1", "G2"));

  expect(given(asking({ kind: "all" })())).toEqual({ vllm: ["G2"] });
  expect(asking({ kind: "ids", ids: ["G1"] })).toThrow(GpuCordonedError);
  expect(asking({ kind: "ids", ids: ["G1"] })).toThrow(
    "vllm asks for the GPU G1, but RTX 4090 G1 (24 GiB) is cordoned (runs hot).",
  );
  expect(asking({ kind: "count", count: 2 })).toThrow(GpuOverbookedError);
});

test("a service stays on the GPU that was cordoned under it, is told so, and leaves it when it is replaced", () => {
  const settled = cordoned(up(stackOf([vllm()]), withGpus("G1", "G2")), "G1");
  const same = planIn(settled, stackOf([vllm()]), withGpus("G1", "G2"));
  const changed = stackOf([vllm({ environment: { LEVEL: "debug" } })]);

  expect(same.actions).toEqual([]);
  expect(same.warnings).toEqual([
    "vllm stays on the GPU G1, which is cordoned (runs hot), until it is replaced",
  ]);
  expect(given(planIn(settled, changed, withGpus("G1", "G2")))).toEqual({ vllm: ["G2"] });
});

test("a GPU that another stack uses is taken last, and with a warning where its need is not declared", () => {
  const stack = stackOf([vllm()]);

  expect(given(planIn(besides({}), stack, withGpus("G1", "G2")))).toEqual({ vllm: ["G2"] });
  expect(planIn(besides({}), stack, withGpus("G1")).warnings).toEqual([
    "vllm shares the GPU G1 with vllm of the stack lab (all of it), whose need is not declared: its memory may not do for both",
  ]);
});

test("a service that declares nothing is warned of what another stack declares on its GPU, and what only measures GPUs of nothing", () => {
  const warnings = (mine: Partial<ContainerService>, theirs: Parameters<typeof besides>[0]) =>
    planIn(besides(theirs), stackOf([vllm(mine)]), withGpus("G1")).warnings;

  expect(warnings({}, { vramBytes: 16 * gib })).toEqual([
    "vllm shares the GPU G1 with vllm of the stack lab (16 GiB) and declares no `vram`: its memory may not do for both",
  ]);
  expect(warnings({ vramBytes: 4 * gib }, { vramBytes: 16 * gib })).toEqual([]);
  expect(warnings({ vramBytes: 0 }, {})).toEqual([]);
  expect(warnings({}, { vramBytes: 0 })).toEqual([]);
});

test("what another stack declares is not promised again, but takes nothing from who was there before", () => {
  const stack = stackOf([vllm({ vramBytes: 12 * gib })]);
  const busy = besides({ vramBytes: 16 * gib });
  const settled = up(stack, withGpus("G1"));

  expect(() => planIn(busy, stack, withGpus("G1"))).toThrow(
    "vllm asks for 1 GPU with 12 GiB, which does not fit: RTX 4090 G1 (24 GiB) is held by vllm of the stack lab (16 GiB), 8 GiB left.",
  );
  expect(
    planIn(world({ foreign: busy.observed.foreign }, settled), stack, withGpus("G1")).actions,
  ).toEqual([]);
});

test("a container of another stack that has stopped holds nothing", () => {
  const [lab] = besides({ vramBytes: 16 * gib }).observed.foreign;
  const stopped = world({ foreign: [{ ...foreign("lab-vllm-1"), ...lab, running: false }] });

  expect(given(planIn(stopped, stackOf([vllm({ vramBytes: 12 * gib })]), withGpus("G1")))).toEqual({
    vllm: ["G1"],
  });
});

test("only GPUs that the image is made for are given, whether they are known by name or by maker", () => {
  const asking = (fittingGpus: readonly string[], gpus: ContainerService["gpus"]) =>
    planIn(emptyWorld, stackOf([vllm({ fittingGpus, gpus })]), withGpus("G1", "G2"));

  expect(given(asking(["G2"], one))).toEqual({ vllm: ["G2"] });
  expect(given(asking(["nvidia"], one))).toEqual({ vllm: ["G1"] });
  expect(asking(["amd"], { kind: "auto" }).warnings).toEqual([
    "vllm runs on the CPU: its image is not made for the GPUs here",
  ]);
  expect(() => asking(["G2"], { kind: "ids", ids: ["G1"] })).toThrow(NoGpuError);
  expect(() => asking(["G2"], { kind: "ids", ids: ["G1"] })).toThrow(
    "vllm asks for the GPU G1, but its image is not made for RTX 4090 G1 (24 GiB).",
  );
});

test("a refusal lists what could be done instead, the smallest change first", () => {
  const refusal = (...services: readonly ContainerService[]) => {
    try {
      return void planIn(emptyWorld, stackOf([...services]), withGpus("G1"));
    } catch (error) {
      return error;
    }
  };
  const comfy = service("comfy", { gpus: one, vramBytes: 8 * gib });

  expect(refusal(vllm({ vramBytes: 20 * gib }), comfy)).toMatchObject({
    code: "NEXUS_GPU_OVERBOOKED",
    exitCode: 7,
    remedy:
      "Declare `vram: 4GiB` for comfy (RTX 4090 G1 (24 GiB) has 4 GiB left); or set `gpus: none` for vllm, which makes room; or set `gpus: auto` for comfy, which takes what is free or the CPU; then run `nexus plan`.",
    details: {
      service: "comfy",
      left: [{ gpu: "G1", leftBytes: 4 * gib }],
      alternatives: expect.arrayContaining([expect.stringContaining("vram: 4GiB")]),
    },
  });
  expect(refusal(vllm(), comfy)).toMatchObject({
    remedy: expect.stringMatching(/^Declare `vram:` for vllm; or set `gpus: none` for vllm/),
  });
});

test("a cordon is a volume of no stack, whatever the GPU is called", () => {
  const { name, stack, labels } = cordonVolume("/dev/dri/renderD128", "");

  expect([name, stack, labels[cordonLabel]]).toEqual([
    "nexus-cordon-_dev_dri_renderD128",
    undefined,
    "/dev/dri/renderD128",
  ]);
});

const auto = { kind: "auto" } as const;
const imageOf = (ref: string) => ({ kind: "pull", ref, pullPolicy: "missing" }) as const;

/** A service in the variant for a GPU, which is another where it gets none. */
function speech(withoutGpu: Partial<ContainerService> = {}): ContainerService {
  const cpu = service("speech", {
    image: imageOf("speech:cpu"),
    environment: { DEVICE: "cpu" },
    ...withoutGpu,
  });
  return service("speech", {
    template: "kokoro",
    image: imageOf("speech:cuda"),
    gpus: auto,
    withoutGpu: cpu,
  });
}

test("a service that gets a GPU is the variant for it; one that gets none is the variant for the processor", () => {
  const alone = planIn(emptyWorld, stackOf([speech()]), withGpus("G1"));
  expect(createdAs("speech", alone)).toMatchObject({ image: "speech:cuda" });

  const stack = stackOf([vllm(), speech()]);
  const plan = planIn(emptyWorld, stack, withGpus("G1"));
  expect(createdAs("speech", plan)).toMatchObject({
    image: "speech:cpu",
    environment: expect.objectContaining({ DEVICE: "cpu" }),
    gpuNote: { known: [gpu("G1")], holds: [] },
  });
  expect(createdAs("speech", plan)?.gpus).toBeUndefined();
  expect(plan.warnings).toContainEqual(expect.stringContaining("speech runs on the CPU: "));
  expect(plan.actions.flatMap((each) => (each.kind === "pull" ? each.image : []))).not.toContain(
    "speech:cuda",
  );
  expect(planIn(up(stack, withGpus("G1")), stack, withGpus("G1")).actions).toEqual([]);
});

test("a service whose GPU goes to another is replaced by its variant for the processor, and told why", () => {
  const before = up(stackOf([speech()]), withGpus("G1"));
  const plan = planIn(before, stackOf([vllm(), speech()]), withGpus("G1"));
  const create = plan.actions.find(({ id }) => id === "create home-speech-2");
  expect(create?.because).toMatch(/^image speech:cuda → speech:cpu \(.*vllm/);
});

test("a service that gets no GPU and has no variant for the processor is refused with both reasons", () => {
  const stack = stackOf([vllm(), speech({ unfit: "cuda: it needs an NVIDIA GPU" })]);
  expect(() => planIn(emptyWorld, stack, withGpus("G1"))).toThrow(
    /No variant of the template kokoro fits this engine for speech: .*vllm.*, and none of them runs without a GPU/,
  );
});

test("`plan --explain` names the image that a service has on the processor", () => {
  const input = upInput(stackOf([vllm(), speech()]), withGpus("G1"));
  expect(explainGpus(input)).toContainEqual({
    service: "speech",
    gpus: [],
    because: expect.stringMatching(/^runs on the CPU as speech:cpu: .*vllm/),
  });
});

function createdAs(name: string, { actions }: Plan) {
  const create = actions.find((each) => each.kind === "create" && each.service === name);
  return create?.kind === "create" ? create.container : undefined;
}
