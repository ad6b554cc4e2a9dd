import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NexusError } from "../../src/errors.ts";
import { GpuOverbookedError, NoGpuError } from "../../src/plan/gpu-errors.ts";
import { gpuDevices, gpuIds, type GpuMachine, placeGpus } from "../../src/plan/gpu-placement.ts";
import type { GpuClaim } from "../../src/plan/gpu-slots.ts";
import type { EngineDescription, Gpu } from "../../src/engine/engine.ts";
import { engineDescription, gib } from "../support/builders.ts";
import { withGpus } from "./scenario.ts";

function claim(
  service: string,
  request: GpuClaim["request"],
  more: Partial<GpuClaim> = {},
): GpuClaim {
  return { service, request, holds: [], ...more };
}

/** Who gets what, as text. */
function placed(
  claims: readonly GpuClaim[],
  machine: Readonly<{ engine: EngineDescription; gpus: readonly Gpu[] }>,
): readonly string[] {
  return [...placeGpus(claims, machine)].map(([service, { ids, onCpu }]) =>
    onCpu === undefined ? `${service}: ${ids.join(" ")}` : `${service} on the CPU, ${onCpu}`,
  );
}

const auto = { kind: "auto" } as const;
const none = { engine: engineDescription(), gpus: [] };

describe("auto", () => {
  test("takes a GPU of its own", () => {
    expect(placed([claim("a", auto), claim("b", auto)], withGpus("G1", "G2"))).toEqual([
      "a: G1",
      "b: G2",
    ]);
  });

  test("falls back to the CPU and says why, never silently", () => {
    expect(placed([claim("a", auto)], none)).toEqual(["a on the CPU, the engine offers no GPU"]);
    expect(placed([claim("a", auto)], withGpus())).toEqual([
      "a on the CPU, no GPU answers in a container",
    ]);
    expect(placed([claim("a", auto), claim("b", auto)], withGpus("G1"))).toEqual([
      "a: G1",
      "b on the CPU, the GPU is held by a; services share one only when all declare `vram`",
    ]);
    expect(placed([claim("a", auto, { vramBytes: 80 * gib })], withGpus("G1"))).toEqual([
      "a on the CPU, no GPU has the 80 GiB it needs",
    ]);
  });

  test("is not kept from a GPU by what only measures it, nor that by anybody", () => {
    const looks = claim("exporter", { kind: "all" }, { vramBytes: 0 });
    expect(placed([claim("a", auto), looks, claim("b", auto)], withGpus("G1", "G2"))).toEqual([
      "exporter: G1 G2",
      "a: G1",
      "b: G2",
    ]);
    expect(placed([claim("a", { kind: "all" }), looks], withGpus("G1"))).toEqual([
      "a: G1",
      "exporter: G1",
    ]);
  });

  test("shares a GPU when all on it declare what they need and it fits", () => {
    const shares = (...sizes: readonly number[]) =>
      sizes.map((size, index) => claim(`s${index}`, auto, { vramBytes: size * gib }));
    expect(placed(shares(10, 10), withGpus("G1"))).toEqual(["s0: G1", "s1: G1"]);
    expect(placed(shares(10, 10, 10), withGpus("G1"))[2]).toBe(
      "s2 on the CPU, the GPU has no 10 GiB left beside s0, s1",
    );
  });

  test("takes as many GPUs as its memory needs", () => {
    expect(placed([claim("a", auto, { vramBytes: 40 * gib })], withGpus("G1", "G2"))).toEqual([
      "a: G1 G2",
    ]);
  });

  test("gives way to those that ask by name, whatever their order in the file", () => {
    const claims = [claim("a", auto), claim("b", { kind: "ids", ids: ["G1"] })];
    expect(placed(claims, withGpus("G1", "G2")).toSorted((a, b) => a.localeCompare(b))).toEqual([
      "a: G2",
      "b: G1",
    ]);
  });
});

describe("a GPU that a service has", () => {
  test("stays with it when another service comes first in the file", () => {
    const claims = [claim("new", auto), claim("old", auto, { holds: ["G1"] })];
    expect(placed(claims, withGpus("G1", "G2"))).toEqual(["old: G1", "new: G2"]);
  });

  test("stays shared where its memory is not known this time", () => {
    const machine = { ...withGpus(), gpus: [{ id: "G1", name: "G1", vendor: "nvidia" as const }] };
    const shares = ["a", "b"].map((name) =>
      claim(name, auto, { vramBytes: 8 * gib, holds: ["G1"] }),
    );
    expect(placed(shares, machine)).toEqual(["a: G1", "b: G1"]);
  });
});

describe("a GPU that is asked for", () => {
  test.each([
    [{ kind: "count", count: 1 }, "1 GPU"],
    [{ kind: "all" }, "all GPUs"],
    [{ kind: "ids", ids: ["G9"] }, "the GPU G9"],
  ] as const)("is refused where there is none: %j", (request, words) => {
    const refused = () => placeGpus([claim("vllm", request)], none);
    expect(refused).toThrow(NoGpuError);
    expect(refused).toThrow(
      `vllm asks for ${words}, but the engine has no way to give a container a GPU.`,
    );
  });

  test("is refused with the commands of the engine's distribution", () => {
    const remedyOn = (engine: Partial<EngineDescription>) =>
      new NoGpuError("a", "1 GPU", { engine: engineDescription(engine), gpus: [] }).remedy;
    expect(remedyOn({})).toContain("sudo apt-get install nvidia-container-toolkit");
    expect(remedyOn({})).toContain(
      "sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker",
    );
    expect(remedyOn({ system: "Fedora Linux 42", kind: "podman" })).toContain("sudo dnf install");
    expect(remedyOn({ kind: "podman" })).toContain("nvidia-ctk cdi generate");
    expect(remedyOn({ virtualMachine: true })).toContain("WSL 2");
  });

  test("is refused by naming those that are there", () => {
    const refused = () => placeGpus([claim("vllm", { kind: "ids", ids: ["G9"] })], withGpus("G1"));
    expect(refused).toThrow("vllm asks for the GPU G9, but the engine has RTX 4090 G1 (24 GiB).");
  });

  test("is refused when it is taken, by naming who holds what", () => {
    const claims = [
      claim("vllm", { kind: "count", count: 1 }, { vramBytes: 20 * gib }),
      claim("comfy", { kind: "count", count: 1 }, { vramBytes: 8 * gib }),
    ];
    const refused = () => placeGpus(claims, withGpus("G1"));
    expect(refused).toThrow(GpuOverbookedError);
    expect(refused).toThrow(
      "comfy asks for 1 GPU with 8 GiB, which does not fit: RTX 4090 G1 (24 GiB) is held by vllm (20 GiB), 4 GiB left.",
    );
  });

  test("is refused when there are fewer than asked for", () => {
    expect(() => placeGpus([claim("a", { kind: "count", count: 2 })], withGpus("G1"))).toThrow(
      "a asks for 2 GPUs, which does not fit: RTX 4090 G1 (24 GiB) is free.",
    );
  });
});

describe("whatever is asked for, held, cordoned and used by other stacks", () => {
  const ids = ["G1", "G2", "G3"];
  const size = 24 * gib;
  const request = fc.oneof(
    fc.constant(auto),
    fc.constant({ kind: "none" } as const),
    fc.constant({ kind: "all" } as const),
    fc.record({ kind: fc.constant("count" as const), count: fc.integer({ min: 1, max: 3 }) }),
    fc.record({
      kind: fc.constant("ids" as const),
      ids: fc.subarray(ids, { minLength: 1 }),
    }),
  );
  const claims = fc
    .array(
      fc.record(
        {
          request,
          vramBytes: fc.integer({ min: 1, max: 60 }).map((gibs) => gibs * gib),
          holds: fc.subarray(ids),
          fitting: fc.subarray([...ids, "nvidia"], { minLength: 1 }),
          moves: fc.boolean(),
        },
        { requiredKeys: ["request", "holds"] },
      ),
      { maxLength: 6 },
    )
    .map((all): readonly GpuClaim[] => all.map((it, index) => ({ ...it, service: `s${index}` })));
  const others = fc.array(
    fc.record(
      {
        gpu: fc.constantFrom(...ids),
        service: fc.constant("other"),
        stack: fc.constant("lab"),
        vramBytes: fc.integer({ min: 1, max: 24 }).map((gibs) => gibs * gib),
      },
      { requiredKeys: ["gpu", "service", "stack"] },
    ),
    { maxLength: 3 },
  );
  const cordons = fc
    .subarray(ids)
    .map((gpus) => gpus.map((id) => ({ gpu: id, reason: "", since: "" })));
  const machines = fc.record({ others, cordons }).map((more) => ({ ...withGpus(...ids), ...more }));

  /** Undefined where it is refused, which is always one of ours. */
  function attempt(all: readonly GpuClaim[], machine: GpuMachine) {
    try {
      return placeGpus(all, machine);
    } catch (error) {
      if (error instanceof NexusError) return undefined;
      throw error;
    }
  }

  test("no GPU is promised more memory than it has, nor given twice without a declared share", () => {
    fc.assert(
      fc.property(claims, machines, (all, machine) => {
        const placements = attempt(all, machine);
        if (!placements) return;
        for (const id of ids) {
          const tenants = all.filter(({ service }) => placements.get(service)?.ids.includes(id));
          const share = ({ service, vramBytes = Infinity }: GpuClaim) =>
            vramBytes / (placements.get(service)?.ids.length ?? 1);
          const own = tenants.map(share).reduce((total, bytes) => total + bytes, 0);
          const foreign = machine.others
            .filter(({ gpu }) => gpu === id)
            .reduce((total, { vramBytes = 0 }) => total + vramBytes, 0);
          const newcomers = tenants.filter(({ holds }) => !holds.includes(id));
          const declared = tenants.every(({ vramBytes }) => vramBytes !== undefined);
          expect(tenants.length < 2 || own <= size).toBe(true);
          expect(!declared || own <= size).toBe(true);
          // Who comes to a GPU comes to what is left of it.
          const allNew = tenants.length > 0 && newcomers.length === tenants.length;
          expect(!declared || !allNew || own + foreign <= size).toBe(true);
        }
      }),
    );
  });

  test("services that take GPUs whole have none in common, and each gets what it is made for", () => {
    fc.assert(
      fc.property(claims, machines, (all, machine) => {
        const placements = attempt(all, machine);
        if (!placements) return;
        const whole = all.filter(({ vramBytes }) => vramBytes === undefined);
        const taken = whole.flatMap(({ service }) => placements.get(service)?.ids ?? []);
        expect(new Set(taken).size).toBe(taken.length);
        for (const { service, fitting, holds, moves } of all) {
          for (const id of placements.get(service)?.ids ?? []) {
            expect(fitting?.some((each) => each === id || each === "nvidia") ?? true).toBe(true);
            const barred = machine.cordons.some(({ gpu }) => gpu === id);
            expect(!barred || (holds.includes(id) && moves !== true)).toBe(true);
          }
        }
      }),
    );
  });

  test("equal inputs give equal placements", () => {
    fc.assert(
      fc.property(claims, machines, (all, machine) => {
        expect(attempt(all, machine)).toEqual(
          attempt(structuredClone(all), structuredClone(machine)),
        );
      }),
    );
  });
});

describe("devices", () => {
  test("are asked for by id in the way that the engine knows", () => {
    expect(gpuDevices(["G1"], engineDescription({ gpuKinds: ["nvidia", "cdi"] }))).toEqual({
      kind: "nvidia",
      ids: ["G1"],
    });
    expect(
      gpuDevices(
        ["G1"],
        engineDescription({ gpuKinds: ["cdi"], cdiDevices: ["nvidia.com/gpu=G1"] }),
      ),
    ).toEqual({
      kind: "cdi",
      ids: ["nvidia.com/gpu=G1"],
    });
    expect(
      gpuDevices(["/dev/dri/renderD128"], engineDescription({ gpuKinds: ["amd"] })),
    ).toMatchObject({
      kind: "amd",
      devices: ["/dev/kfd", "/dev/dri/renderD128"],
    });
    expect(gpuDevices([], engineDescription({ gpuKinds: ["nvidia"] }))).toBeUndefined();
  });

  test("of a container are read back as the same ids", () => {
    expect(gpuIds({ kind: "cdi", ids: ["nvidia.com/gpu=G1"] })).toEqual(["G1"]);
    expect(
      gpuIds({ kind: "amd", devices: ["/dev/kfd", "/dev/dri/renderD128"], groups: [] }),
    ).toEqual(["/dev/dri/renderD128"]);
    expect(gpuIds(undefined)).toEqual([]);
  });
});
