import { describe, expect, test } from "vitest";
import { explain } from "../../src/readiness/explain.ts";
import {
  type GpuTruth,
  gpuWord,
  isGpuMissing,
  judgeAnswer,
  judgeLines,
  lossIn,
} from "../../src/readiness/gpu-truth.ts";

const gib = 1024 ** 3;
const ollama = { kind: "ollama" } as const;

/** An answer of Ollama's `GET /api/ps`, sizes in GiB. */
function ps(...models: readonly (readonly [size: number, vram: number])[]): unknown {
  return {
    models: models.map(([size, vram], index) => ({
      name: `m${index}`,
      size: size * gib,
      size_vram: vram * gib,
    })),
  };
}

const seen = (document: unknown): GpuTruth => judgeAnswer(ollama, document);

describe("what Ollama has loaded", () => {
  test.each([
    [ps([5, 5]), "GPU"],
    [ps([5, 4.99]), "GPU"],
    [ps([5, 2.4]), "PARTIAL 48 %"],
    [ps([100, 0.1]), "PARTIAL 1 %"],
    [ps([5, 0]), "CPU (expected GPU)"],
    [ps([4, 4], [4, 0]), "PARTIAL 50 %"],
    [ps(), "unknown"],
    [{}, "unknown"],
    ["Ollama is running", "unknown"],
    [{ models: [{ name: "old", size: gib }] }, "CPU (expected GPU)"],
    [{ models: [{ name: "of unknown size" }] }, "unknown"],
  ])("%j is %s", (document, word) => {
    expect(gpuWord(seen(document))).toBe(word);
  });

  test("is told in numbers", () => {
    expect(seen(ps([5, 2.4])).detail).toBe("2.4 GiB of 5 GiB of its models are in GPU memory");
    expect(seen(ps()).detail).toBe("no model is loaded");
  });
});

test.each([
  [{ devices: [{ type: "cuda" }] }, "gpu"],
  [{ devices: [{ type: "CUDA:0" }] }, "gpu"],
  [{ devices: [{ type: "cpu" }] }, "cpu"],
  [{ devices: [] }, "unknown"],
  [undefined, "unknown"],
])("a device in a JSON answer is judged by how it begins: %j is %s", (document, kind) => {
  const check = {
    kind: "json",
    path: "/stats",
    pointer: "/devices/0/type",
    gpu: ["cuda"],
  } as const;
  expect(judgeAnswer(check, document).kind).toBe(kind);
});

describe("lines of a start", () => {
  const llamacpp = {
    kind: "logs",
    gpu: "using device CUDA",
    cpu: "no usable GPU found",
    partial: "offloaded (\\d+)/(\\d+) layers to GPU",
  } as const;

  test.each([
    [["load_tensors: offloaded 33/33 layers to GPU"], "GPU"],
    [["load_tensors: offloaded 20/33 layers to GPU"], "PARTIAL 60 %"],
    [["load_tensors: offloaded 0/33 layers to GPU"], "CPU (expected GPU)"],
    [
      ["using device CUDA0", "warning: no usable GPU found, --gpu-layers ignored"],
      "CPU (expected GPU)",
    ],
    [["no usable GPU found", "using device CUDA0"], "GPU"],
    [["hello"], "unknown"],
    [[], "unknown"],
  ])("%j are %s: the last one that tells counts", (lines, word) => {
    expect(gpuWord(judgeLines(llamacpp, lines))).toBe(word);
  });
});

/**
 * How containers of Ollama that had lost their GPU looked, by number of the issue at ollama/ollama: what nvidia-smi said
 * inside, what Ollama wrote, and how its models were loaded.
 */
const reports: readonly Readonly<{
  issue: number;
  inside?: string;
  wrote?: string;
  ps?: unknown;
}>[] = [
  { issue: 3930, ps: ps([4.7, 0]) },
  { issue: 4604, inside: "Failed to initialize NVML: Unknown Error\n" },
  { issue: 5035, ps: ps([8.5, 0]) },
  {
    issue: 6928,
    wrote:
      "cuda driver library failed to get device context 800time=2024-09-24T00:41:06.577Z level=WARN",
  },
  { issue: 7005, ps: ps([4.6, 0]) },
  { issue: 7765, inside: "Failed to initialize NVML: Unknown Error" },
  { issue: 8594, ps: ps([20, 0]) },
  { issue: 10_026, inside: "Failed to initialize NVML: Unknown Error" },
  { issue: 10_257, inside: "Failed to initialize NVML: Unknown Error" },
  { issue: 12_323, inside: "Failed to initialize NVML: Unknown Error" },
  { issue: 14_658, inside: "Failed to initialize NVML: Unknown Error\n" },
];

test.each(reports)("the silent loss of issue $issue is seen", ({ inside, wrote, ps: loaded }) => {
  const isLost = lossIn(inside ?? wrote ?? "") !== undefined;

  expect(isLost || isGpuMissing(seen(loaded))).toBe(true);
});

test("a container that lists its GPUs has not lost them", () => {
  expect(lossIn("GPU 0: NVIDIA L4 (UUID: GPU-8f2c)\n")).toBeUndefined();
});

function told(detail: string, lost: boolean, ...wrote: readonly string[]): string {
  const logs = wrote.map((text) => ({ stream: "stderr" as const, text }));
  const cause = { kind: "gpu-unused", detail, lost } as const;
  const { message, remedy } = explain(cause, { service: "ollama", external: false, logs });
  return `${message}\n→ ${remedy}`;
}

test("the known causes are told with what mends them", () => {
  const cpu = "0 MiB of 4.7 GiB of its models are in GPU memory";
  expect(told("inside its container: Failed to initialize NVML: Unknown Error", true)).toBe(
    'ollama has lost its GPU: inside its container: Failed to initialize NVML: Unknown Error; its container lost access to the GPU.\n→ Run `nexus restart ollama` for it: it comes back with `nexus restart ollama`, and is lost again at the next `systemctl daemon-reload` unless the engine uses `"exec-opts": ["native.cgroupdriver=cgroupfs"]` in /etc/docker/daemon.json, or CDI.',
  );
  expect(
    told("inside its container: Failed to initialize NVML: Driver/library version mismatch", true),
  ).toContain("Reboot the engine's machine");
  expect(told(cpu, false, 'level=INFO msg="no compatible GPUs were discovered"')).toContain(
    "it found no GPU that it can use",
  );
  expect(told(cpu, false, "cudaMalloc failed: out of memory")).toContain(
    "its model does not fit into the GPU's memory",
  );
  // As an Ollama 0.13 without a GPU writes at every start, and one with a small GPU in good health.
  const lowVram = 'level=INFO msg="entering low vram mode" "total vram"="0 B" threshold="20.0 GiB"';
  const blind = ['level=INFO msg="inference compute" id=cpu library=cpu', lowVram];
  expect(told(cpu, false, ...blind, "load_tensors: offloaded 0/33 layers to GPU")).toContain(
    "it found no GPU that it can use",
  );
  expect(told(cpu, false, lowVram.replace("0 B", "15.9 GiB"))).toContain("Known reasons");
  expect(told(cpu, false)).toMatch(
    /computes on the CPU: 0 MiB of .*\n→ Known reasons: the model is too large.*driver.*`nexus restart ollama`.*`gpus: none`/,
  );
});
