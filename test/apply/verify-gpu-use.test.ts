import { expect, onTestFinished, test } from "vitest";
import { type GpuUse, readGpuTruth, warmUp } from "../../src/apply/verify-gpu-use.ts";
import { gpuWord } from "../../src/readiness/gpu-truth.ts";
import { plainRequest } from "../engine/subject.ts";
import type { GatewayStub } from "../readiness/gateway-stub.ts";
import { toBeReady } from "../readiness/judge-steps.ts";
import { type Answer, storeOf } from "../readiness/stub-store.ts";
import { type Behaviour, InMemoryEngine } from "../support/in-memory-engine.ts";

const gib = 1024 ** 3;
const loaded = (vram: number): Answer => ({
  body: [{ models: [{ size: 4 * gib, size_vram: vram * gib }] }],
});
const nvml = "Failed to initialize NVML: Unknown Error";

/** A service of which this is known, in a container that behaves so. */
async function use(
  stub: GatewayStub,
  { behaviour = {}, ...more }: Partial<GpuUse> & Readonly<{ behaviour?: Behaviour }> = {},
): Promise<GpuUse> {
  const engine = new InMemoryEngine({ images: ["ollama:1"], behaviour: () => behaviour });
  const network = await engine.networks.create({ name: "home", stack: "home", internal: false });
  const request = { ...plainRequest("home"), image: "ollama:1" };
  const containerId = await engine.containers.create(request, network);
  await engine.containers.start(containerId);
  const link = stub.link();
  onTestFinished(() => link.close());
  return {
    engine,
    containerId,
    startedAt: (await engine.containers.inspect(containerId))?.startedAt ?? "",
    gpus: { kind: "nvidia", ids: ["GPU-1"] },
    check: { kind: "ollama" },
    upstream: toBeReady.upstream && { ...toBeReady.upstream, models: ["llama3.2:3b"] },
    link: async () => link,
    ...more,
  };
}

const word = async (asked: GpuUse) => gpuWord(await readGpuTruth(asked));

test("a service is asked where its models are", async () => {
  expect(await word(await use(storeOf({ "GET /api/ps": loaded(4) })))).toBe("GPU");
  expect(await word(await use(storeOf({ "GET /api/ps": loaded(1) })))).toBe("PARTIAL 25 %");
  expect(await word(await use(storeOf({ "GET /api/ps": loaded(0) })))).toBe("CPU (expected GPU)");
});

test("a container whose GPU is gone is not asked further", async () => {
  const behaviour: Behaviour = { exec: () => ({ stdout: `${nvml}\n`, exitCode: 255 }) };
  const asked = await use(storeOf({ "GET /api/ps": loaded(4) }), { behaviour });

  expect(await readGpuTruth(asked)).toEqual({
    kind: "lost",
    detail: `inside its container: ${nvml}`,
  });
});

test("a service on the CPU that wrote of the loss has lost its GPU, even where nvidia-smi is missing", async () => {
  const behaviour: Behaviour = {
    exec: () => ({ stderr: "nvidia-smi: not found", exitCode: 127 }),
    output: [
      { stream: "stderr", text: "cuda driver library failed to get device context 999time=…" },
    ],
  };

  expect(await word(await use(storeOf({ "GET /api/ps": loaded(0) }), { behaviour }))).toBe(
    "GPU LOST",
  );
});

test("what cannot be asked, or answers nonsense, is unknown", async () => {
  expect(await word(await use(storeOf({})))).toBe("unknown");
  expect(await word(await use(storeOf({ "GET /api/ps": { body: ["Ollama is running"] } })))).toBe(
    "unknown",
  );
  const { check: _, ...unchecked } = await use(storeOf({}));
  expect(await word(unchecked)).toBe("unknown");
  const { upstream: __, ...mute } = await use(storeOf({}));
  expect(await word(mute)).toBe("unknown");
});

test("software that tells in its logs is believed by those", async () => {
  const check = { kind: "logs", gpu: "platform cuda", cpu: "platform cpu" } as const;
  const wrote = (text: string): Behaviour => ({ output: [{ stream: "stdout", text }] });

  expect(
    await word(await use(storeOf({}), { check, behaviour: wrote("Detected platform CUDA.") })),
  ).toBe("GPU");
  expect(
    await word(await use(storeOf({}), { check, behaviour: wrote("Detected platform cpu.") })),
  ).toBe("CPU (expected GPU)");
});

test("a warm-up loads the first declared model, by embedding where it does not generate", async () => {
  const within = { stallTimeoutMs: 5_000, signal: new AbortController().signal };
  const asked = async (answers: Parameters<typeof storeOf>[0]) => {
    const stub = storeOf(answers);
    await warmUp(await use(stub), within);
    return stub.seen.flatMap((request) =>
      request.op === "request" ? [`${request.path} ${JSON.stringify(request.body)}`] : [],
    );
  };

  expect(await asked({ "POST /api/generate": { body: [{ done: true }] } })).toEqual([
    '/api/generate {"model":"llama3.2:3b","stream":false}',
  ]);
  expect(await asked({ "POST /api/generate": { status: 400, body: [] } })).toEqual([
    '/api/generate {"model":"llama3.2:3b","stream":false}',
    '/api/embed {"model":"llama3.2:3b","input":"warm-up"}',
  ]);
});
