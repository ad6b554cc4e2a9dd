import { afterAll, beforeAll, expect, test } from "vitest";
import type { StackStatus } from "../../src/apply/stack-status.ts";
import type { ChangeDocument } from "../../src/changing-command.ts";
import { type PrivateEngine, startSecondEngine } from "../bed/bed.ts";
import { services, type StackFolder, stackFolder } from "../support/cli.ts";

const card = { name: "NVIDIA L4", memoryMiB: 24_576, compute: "8.9", driver: "580.65.06" };

/** Every program whose template knows how to find out what it computes on, and that has a stand-in. */
const programs = {
  ollama: { template: "ollama", models: ["llama3.2:1b"] },
  vllm: { template: "vllm" },
  llamacpp: { template: "llamacpp" },
  sglang: { template: "sglang" },
  tei: { template: "tei" },
  reranker: { template: "tei-rerank" },
  kokoro: { template: "kokoro" },
  whispercpp: { template: "whispercpp" },
  comfyui: { template: "comfyui" },
  invokeai: { template: "invokeai" },
} as const;
const names = Object.keys(programs);

let engine: PrivateEngine;
let stack: StackFolder;

beforeAll(async () => {
  engine = await startSecondEngine({ cards: [{ ...card, uuid: "GPU-aaaa", usedMiB: 512 }] });
  const { dockerHost, socketPath } = engine;
  stack = await stackFolder("", { environment: { DOCKER_HOST: dockerHost }, socketPath });
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
});

/** All of them on the one card, with something more in their environment. */
function told(environment: Readonly<Record<string, string>>): string {
  const specs = Object.entries(programs).map(([name, spec]) => {
    return [name, { ...spec, gpus: 1, vram: "2GiB", stall_timeout: "30s", environment }];
  });
  return services(Object.fromEntries(specs));
}

test("programs that compute on their GPU are seen to do so", async () => {
  await stack.write(told({}));
  const { document } = await stack.json<ChangeDocument>("up", "--yes");
  expect(document.services.flatMap(({ failure }) => failure ?? [])).toEqual([]);

  const status = (await stack.json<StackStatus>("status")).document;
  const seen = status.services.filter(({ service }) => names.includes(service));
  expect(seen.map(({ service, gpu }) => [service, gpu?.kind])).toEqual(
    names.map((name) => [name, "gpu"]),
  );
});

test("each that has the GPU and computes on the processor is caught, with exit code 4", async () => {
  await stack.must("down", "--yes");
  await stack.write(told({ STAND_IN_LIE: "cpu" }));
  const { exitCode, document } = await stack.json<ChangeDocument>("up", "--yes");
  const causes = document.services.map(({ service, failure }) => [service, failure?.cause.kind]);
  expect(Object.fromEntries(causes)).toMatchObject(
    Object.fromEntries(names.map((name) => [name, "gpu-unused"])),
  );
  expect(exitCode).toBe(4);
});
