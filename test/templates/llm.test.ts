import { describe, expect, test } from "vitest";
import { readCatalog } from "../../src/catalog/catalog.ts";
import { chooseVariant } from "../../src/catalog/choose-variant.ts";
import type { Machine, MachineGpu } from "../../src/catalog/machine.ts";
import type { ServiceSpec } from "../../src/stack/schema/service.ts";
import { templateSpec } from "../../src/stack/members.ts";

const gib = 1024 ** 3;
const nvidia = (compute: string, driver: string): MachineGpu => ({
  id: "GPU-1",
  vendor: "nvidia",
  name: "NVIDIA",
  memoryBytes: 24 * gib,
  compute,
  driver,
});
const amd = (gibibytes: number): MachineGpu => ({
  id: "/dev/dri/renderD128",
  vendor: "amd",
  name: "AMD",
  memoryBytes: gibibytes * gib,
});
const machine = (gpu: MachineGpu | undefined, architecture = "amd64"): Machine => ({
  architecture,
  gpus: gpu ? [gpu] : [],
});

const catalog = await readCatalog();

function templateOf(id: string) {
  const template = catalog.find((one) => one.id === id);
  if (!template) throw new Error(`there is no template ${id}`);
  return template;
}

/** The service that a template makes of itself on a machine; undefined where it refuses. */
function serviceOn(id: string, on: Machine, own: ServiceSpec = {}): ServiceSpec | undefined {
  const template = templateOf(id);
  const choice = chooseVariant(template, on);
  if (choice.kind === "refused") return undefined;
  return templateSpec(template, choice.variant, { service: id, home: "/", own });
}

const [cuda13, cuda12] = [machine(nvidia("8.9", "580.65.06")), machine(nvidia("8.9", "550.90"))];
const radeon = machine(amd(24));
const [plain, arm] = [machine(undefined), machine(undefined, "arm64")];
const old = machine(nvidia("6.1", "580.65.06"));
const unknown = machine({ id: "GPU-1", vendor: "nvidia", name: "NVIDIA" });

describe("the image and the GPUs that each machine gets", () => {
  test.each([
    ["vllm", "a new driver", cuda13, ["vllm/vllm-openai:v0.29.0", 1]],
    ["vllm", "an older driver", cuda12, ["vllm/vllm-openai:v0.29.0-cu129", 1]],
    ["vllm", "a Radeon", radeon, ["vllm/vllm-openai-rocm:v0.29.0", 1]],
    ["vllm", "no GPU", plain, ["vllm/vllm-openai-cpu:v0.29.0", undefined]],
    ["vllm", "an ARM processor", arm, ["vllm/vllm-openai-cpu:v0.29.0", undefined]],
    ["vllm", "a GPU that is too old", old, ["vllm/vllm-openai-cpu:v0.29.0", undefined]],
    ["vllm", "a GPU nobody knows", unknown, ["vllm/vllm-openai-cpu:v0.29.0", undefined]],
    [
      "llamacpp",
      "a new driver",
      cuda13,
      ["ghcr.io/ggml-org/llama.cpp:server-cuda13-b11206", "auto"],
    ],
    [
      "llamacpp",
      "an older driver",
      cuda12,
      ["ghcr.io/ggml-org/llama.cpp:server-cuda-b11206", "auto"],
    ],
    ["llamacpp", "an old GPU", old, ["ghcr.io/ggml-org/llama.cpp:server-cuda-b11206", "auto"]],
    ["llamacpp", "a Radeon", radeon, ["ghcr.io/ggml-org/llama.cpp:server-rocm-b10951", "auto"]],
    ["llamacpp", "an ARM processor", arm, ["ghcr.io/ggml-org/llama.cpp:server-b11206", undefined]],
    ["sglang", "a new driver", cuda13, ["lmsysorg/sglang:v0.5.20-cu130", 1]],
    ["sglang", "an older driver", cuda12, ["lmsysorg/sglang:v0.5.19-cu129", 1]],
    ["sglang", "an MI300X", machine(amd(192)), ["lmsysorg/sglang:v0.5.19-rocm700-mi30x", 1]],
    ["sglang", "an MI350X", machine(amd(288)), ["lmsysorg/sglang:v0.5.19-rocm700-mi35x", 1]],
    ["ollama", "a Radeon", radeon, ["ollama/ollama:0.12.6-rocm", "auto"]],
    ["ollama", "no GPU", plain, ["ollama/ollama:0.12.6", "auto"]],
  ])("%s with %s", (id, _, on, wanted) => {
    const [image, gpus] = wanted;
    expect(serviceOn(id, on)).toMatchObject({ image });
    expect(serviceOn(id, on)?.gpus).toEqual(gpus);
  });

  test.each([
    ["no GPU", plain],
    ["a Radeon", radeon],
    ["a GPU that is too old", old],
    ["a driver that is too old", machine(nvidia("8.9", "470.1"))],
  ])("sglang refuses a machine with %s", (_, on) => {
    expect(serviceOn("sglang", on)).toBeUndefined();
  });

  test.each([
    ["7.5", "turing-1.9"],
    ["8.0", "1.9"],
    ["8.6", "86-1.9.4"],
    ["8.9", "89-1.9.4"],
    ["9.0", "hopper-1.9"],
    ["10.0", "100-1.9"],
    ["12.0", "120-1.9"],
    ["6.1", "cpu-1.9.4"],
    ["11.0", "cpu-1.9.4"],
  ])("tei and tei-rerank with compute capability %s take the kernels for it", (compute, tag) => {
    for (const id of ["tei", "tei-rerank"]) {
      const service = serviceOn(id, machine(nvidia(compute, "580.65.06")));
      expect(service?.image).toBe(`ghcr.io/huggingface/text-embeddings-inference:${tag}`);
      expect(service?.gpus).toEqual(tag.startsWith("cpu") ? undefined : 1);
    }
  });

  test("tei has an image for ARM, and one for the GPU of DGX Spark", () => {
    expect(serviceOn("tei", arm)?.image).toMatch(/:cpu-arm64-1\.9\.4$/);
    const spark = machine(nvidia("12.1", "580.95.05"), "arm64");
    expect(serviceOn("tei", spark)?.image).toMatch(/:121-1\.9$/);
  });
});

describe("how each is told of its model", () => {
  const own = { models: ["owner/model"] };

  test("vllm and sglang in their command", () => {
    expect(serviceOn("vllm", cuda13)?.command).toEqual(["--model", "Qwen/Qwen3-0.6B"]);
    expect(serviceOn("vllm", cuda13, own)?.command).toEqual(["--model", "owner/model"]);
    expect(serviceOn("sglang", cuda13, own)?.command?.slice(-2)).toEqual([
      "--model-path",
      "owner/model",
    ]);
  });

  test("llama.cpp by the repository, and by the name that it lists the model under", () => {
    expect(serviceOn("llamacpp", plain, own)?.environment).toMatchObject({
      LLAMA_ARG_HOST: "0.0.0.0",
      LLAMA_ARG_PORT: "8080",
      LLAMA_ARG_HF_REPO: "owner/model",
      LLAMA_ARG_ALIAS: "owner/model",
    });
  });

  test.each(["tei", "tei-rerank"])("%s by its environment", (id) => {
    expect(serviceOn(id, plain, own)?.environment).toMatchObject({
      MODEL_ID: "owner/model",
      SERVED_MODEL_NAME: "owner/model",
    });
  });

  test("what embeds does not rerank, and the other way round", () => {
    expect(serviceOn("tei", plain)?.provides).toEqual(["embedding"]);
    expect(serviceOn("tei-rerank", plain)).toMatchObject({
      provides: ["rerank"],
      dialects: { rerank: "tei" },
    });
  });
});

describe("what their last words mean", () => {
  test.each([
    ["vllm", "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", /not fit/],
    [
      "vllm",
      "ValueError: Free memory on device cuda:0 (3.25/23.43 GiB) on startup is less than desired GPU memory utilization (0.96, 22.49 GiB).",
      /something else holds/,
    ],
    [
      "vllm",
      "ValueError: The model's max seq len (40960) is larger than the maximum number of tokens that can be stored in KV cache (3664).",
      /whole context/,
    ],
    ["vllm", "RuntimeError: The NVIDIA driver on your system is too old (found 12020).", /older/],
    ["vllm", "huggingface_hub.errors.GatedRepoError: 403 Client Error.", /accepted its terms/],
    ["vllm", "/bin/bash: line 1: 7 Illegal instruction (core dumped) vllm serve", /AVX-512/],
    [
      "llamacpp",
      "ggml_backend_cuda_buffer_type_alloc_buffer: cudaMalloc failed: out of memory",
      /not fit/,
    ],
    [
      "llamacpp",
      "llama_model_load: error loading model: unknown model architecture: 'x'",
      /kind of model/,
    ],
    [
      "tei",
      "Error: Could not create backend: Runtime compute cap 75 is not compatible with compile time compute cap 80",
      /generation/,
    ],
    ["ollama", "Failed to initialize NVML: Unknown Error", /lost its GPU/],
  ])("%s: %s", (id, line, message) => {
    const service = serviceOn(id, cuda13);
    const meant = service?.signatures?.find(({ pattern }) => new RegExp(pattern, "i").test(line));
    expect(meant?.message).toMatch(message);
  });
});
