import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { findTemplate, readCatalog } from "../../src/catalog/catalog.ts";
import { chooseVariant } from "../../src/catalog/choose-variant.ts";
import type { Machine } from "../../src/catalog/machine.ts";
import { metadataSchema } from "../../src/gateway/upstreams/metadata-schema.ts";
import { templateSpec } from "../../src/stack/members.ts";
import type { ServiceSpec } from "../../src/stack/schema/service.ts";
import { amd, machine, nvidia } from "./machines.ts";

const catalog = await readCatalog();

/** What a template is on a machine; undefined when it is refused. */
function specOn(id: string, wanted: Machine, own: ServiceSpec = {}): ServiceSpec | undefined {
  const template = findTemplate(catalog, id);
  const choice = chooseVariant(template, wanted);
  if (choice.kind === "refused") return undefined;
  return templateSpec(template, choice.variant, { service: id, home: "/", own });
}

const ada = machine("amd64", nvidia("8.9", "580.65.06"));
const blackwell = machine("amd64", nvidia("12.0", "580.65.06"));
const hopper = machine("amd64", nvidia("9.0", "565.57.01"));
const olderDriver = machine("amd64", nvidia("8.6", "550.54.14"));
const oldDriver = machine("amd64", nvidia("8.6", "470.256.02"));
const spark = machine("arm64", nvidia("12.1", "580.95.05"));
const radeon = machine("amd64", amd);
const noGpu = machine("amd64");
const arm = machine("arm64");

const commit = "86c40c3bd6fc86f1187fb751d111b49e0fc18e84";

describe("speech is made and heard by the image that fits the hardware", () => {
  test.each([
    ["kokoro", "an Ada GPU", ada, "kokoro-fastapi-gpu:v0.8.0"],
    ["kokoro", "a Hopper GPU", hopper, "kokoro-fastapi-gpu:v0.8.0"],
    ["kokoro", "a Blackwell GPU", blackwell, "kokoro-fastapi-gpu:v0.8.0-cu128"],
    ["kokoro", "an older driver", olderDriver, "kokoro-fastapi-cpu:v0.8.0"],
    ["kokoro", "a DGX Spark", spark, "kokoro-fastapi-gpu:v0.8.0"],
    ["kokoro", "an AMD GPU", radeon, "kokoro-fastapi-rocm:v0.8.0"],
    ["kokoro", "no GPU", noGpu, "kokoro-fastapi-cpu:v0.8.0"],
    ["kokoro", "an arm64 machine", arm, "kokoro-fastapi-cpu:v0.8.0"],
    ["kokoro", "an unknown architecture", machine("riscv64"), undefined],
    ["speaches", "an Ada GPU", ada, "speaches:0.9.0-rc.3-cuda"],
    ["speaches", "a driver for CUDA 12.6", hopper, "speaches:0.9.0-rc.3-cuda-12.6.3"],
    ["speaches", "a driver for CUDA 12.4", olderDriver, "speaches:0.9.0-rc.3-cuda-12.4.1"],
    ["speaches", "an old driver", oldDriver, "speaches:0.9.0-rc.3-cpu"],
    ["speaches", "a DGX Spark", spark, "speaches:0.9.0-rc.3-cuda"],
    ["speaches", "an AMD GPU", radeon, "speaches:0.9.0-rc.3-cpu"],
    ["speaches", "no GPU", noGpu, "speaches:0.9.0-rc.3-cpu"],
    ["whispercpp", "an Ada GPU", ada, `whisper.cpp:main-cuda-${commit}`],
    ["whispercpp", "an older driver", hopper, `whisper.cpp:main-${commit}`],
    ["whispercpp", "an AMD GPU", radeon, `whisper.cpp:main-vulkan-${commit}`],
    ["whispercpp", "no GPU", noGpu, `whisper.cpp:main-${commit}`],
    ["whispercpp", "an arm64 machine", arm, `whisper.cpp:main-arm64-${commit}`],
    ["whispercpp", "an unknown architecture", machine("riscv64"), undefined],
    ["espeak", "any machine", machine("riscv64"), "undefined"],
  ])("%s on %s", (id, _, wanted, image) => {
    const spec = specOn(id, wanted);
    expect(spec && String(spec.image).split("/").at(-1)).toBe(image);
  });
});

test("what computes on a GPU asks for one, and what does not says so", () => {
  expect(specOn("kokoro", ada)).toMatchObject({ gpus: "auto", user: "1001:1001" });
  expect(specOn("kokoro", noGpu)).toMatchObject({ gpus: "none", user: "1000:1000" });
  expect(specOn("speaches", ada)?.environment).toMatchObject({ WHISPER__INFERENCE_DEVICE: "cuda" });
  expect(specOn("speaches", noGpu)?.environment).toMatchObject({
    WHISPER__INFERENCE_DEVICE: "cpu",
  });
});

test("the lines that tell the device are those that the software writes", () => {
  const lines = {
    kokoro: ["Model warmed up on cuda: kokoro_v1", "Model warmed up on cpu: kokoro_v1"],
    whispercpp: [
      "whisper_backend_init_gpu: using CUDA0 backend",
      "whisper_backend_init_gpu: no GPU found",
    ],
  };
  for (const [id, [onGpu = "", onCpu = ""]] of Object.entries(lines)) {
    const check = specOn(id, noGpu)?.gpu_check;
    if (check?.kind !== "logs") throw new Error(`${id} is not checked by its logs`);
    expect([onGpu, onCpu].map((line) => new RegExp(check.gpu, "i").test(line))).toEqual([
      true,
      false,
    ]);
    expect([onGpu, onCpu].map((line) => new RegExp(check.cpu ?? "", "i").test(line))).toEqual([
      false,
      true,
    ]);
  }
});

test("their forms are such as the gateway publishes", () => {
  for (const id of ["kokoro", "speaches", "whispercpp"]) {
    const service = { name: id };
    const metadata = { schema_version: "v1", service, ...specOn(id, noGpu)?.metadata };
    const keys = metadataSchema.parse(metadata).ui?.options?.map(({ key }) => key);
    expect(keys).toEqual(expect.arrayContaining(["response_format"]));
  }
});

describe("whisper.cpp's command", () => {
  const folders: string[] = [];
  afterAll(async () => {
    for (const folder of folders) await rm(folder, { recursive: true });
  });

  /** The container's command, run by the shell that its image has, with programs that write down what they are asked to. */
  async function place(
    download: string,
  ): Promise<Readonly<{ folder: string; run: () => Promise<string> }>> {
    const folder = await mkdtemp(join(tmpdir(), "whisper-"));
    folders.push(folder);
    await mkdir(join(folder, "models"));
    await mkdir(join(folder, "app/models"), { recursive: true });
    await mkdir(join(folder, "bin"));
    await program(join(folder, "app/models/download-ggml-model.sh"), download);
    await program(join(folder, "bin/whisper-server"), 'echo "serves $*"');
    const [script = "", ...words] =
      specOn("whispercpp", noGpu, { models: ["tiny"] })?.command ?? [];
    const here = script.replaceAll(/(?<!\.)\/models\//g, `${folder}/models/`);
    const run = async () => {
      const options = {
        cwd: join(folder, "app"),
        env: {
          PATH: `${join(folder, "bin")}:${process.env["PATH"]}`,
          WHISPER_SERVER_ARGS: "--threads 2",
        },
      };
      return (await promisify(execFile)("bash", ["-c", here, ...words], options)).stdout;
    };
    return { folder, run };
  }

  async function program(file: string, script: string): Promise<void> {
    await writeFile(file, `#!/bin/sh\n${script}\n`);
    await chmod(file, 0o755);
  }

  test("fetches the declared model once, and serves it under OpenAI's path", async () => {
    const { folder, run } = await place('echo fetched; echo weights > "$2/ggml-$1.bin"');
    const first = await run();
    expect(first).toMatch(/^fetched\nserves --host 0\.0\.0\.0 --port 8080 /);
    expect(first).toContain("--inference-path /v1/audio/transcriptions");
    expect(first).toContain(`--model ${folder}/models/ggml-tiny.bin --threads 2`);
    expect(await run()).toMatch(/^serves /);
    expect(await readFile(join(folder, "models/ggml-tiny.bin"), "utf8")).toBe("weights\n");
  });

  test("takes nothing for a model that a broken download has left", async () => {
    const { folder, run } = await place(
      'echo half > "$2/ggml-$1.bin"; [ -e second ] || { touch second; exit 1; }; echo whole > "$2/ggml-$1.bin"',
    );
    await expect(run()).rejects.toMatchObject({ code: 1 });
    expect(await readdir(join(folder, "models"))).toEqual([".fetching"]);
    expect(await run()).toContain("serves");
    expect(await readFile(join(folder, "models/ggml-tiny.bin"), "utf8")).toBe("whole\n");
  });
});
