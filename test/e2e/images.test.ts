import { afterAll, beforeAll, expect, test } from "vitest";
import { type StackFolder, readIn, stackFolder, writeIn } from "../support/cli.ts";
import { readPng } from "../support/png.ts";

let stack: StackFolder;

beforeAll(async () => {
  stack = await stackFolder(`
  localai: { template: localai, ready: proven, environment: { STAND_IN_PULL_MS: "200" } }
`);
  await addComfyUi(stack);
});
afterAll(async () => stack[Symbol.asyncDispose]());

/** Adds ComfyUI as a user does; its adapter, which comes along, has to be proven. */
async function addComfyUi(to: StackFolder, keys = ""): Promise<void> {
  await to.must("add", "service", "comfyui", "--yes");
  const text = (await readIn(to, "nexus.yaml"))
    .replace("  comfyui:\n", `  comfyui:\n${keys}`)
    .replace(
      "  comfyui-images:\n",
      "  comfyui-images:\n    ready: proven\n    stall_timeout: 5s\n",
    );
  await writeIn(to, "nexus.yaml", text);
}

async function imageOf(body: object): Promise<Readonly<{ backend: string | null; file: Buffer }>> {
  const response = await fetch(`${stack.api}/v1/images/generations`, {
    method: "POST",
    headers: { authorization: `Bearer ${stack.key()}`, "content-type": "application/json" },
    body: JSON.stringify({ prompt: "a cat", response_format: "b64_json", ...body }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  const { data } = JSON.parse(text) as { data: readonly { b64_json: string }[] };
  const backend = response.headers.get("x-backend-used");
  return { backend, file: Buffer.from(data[0]?.b64_json ?? "", "base64") };
}

test("LocalAI and ComfyUI behind its adapter come up proven, and make real images through the gateway", async () => {
  await stack.must("up");
  const checkpoint = await imageOf({ model: "sd_xl_base_1.0.safetensors", size: "128x64" });
  expect(checkpoint.backend).toBe("comfyui-images");
  expect(readPng(checkpoint.file)).toMatchObject({ width: 128, height: 64 });
  const fetched = await imageOf({ model: "sd-1.5-ggml", size: "64x64" });
  expect(fetched.backend).toBe("localai");
  expect(readPng(fetched.file)).toMatchObject({ width: 64, height: 64 });
});

test("ComfyUI without a checkpoint is up, and its adapter is not: `up` fails and says what is missing", async () => {
  await using empty = await stackFolder("");
  await addComfyUi(empty, "    environment: { STAND_IN_LIE: ready-without-model }\n");
  const { exitCode, stdout, stderr } = await empty.run("up");
  expect(exitCode).toBe(4);
  const told = stdout + stderr;
  expect(told).toMatch(/✔ comfyui +ready/);
  expect(told).toMatch(/✘ comfyui-images/);
  expect(told).toContain("ComfyUI has no model");
});

test("a change that costs ComfyUI its checkpoint fails for its adapter, which is as it was, then and at every `up` after it", async () => {
  const text = await readIn(stack, "nexus.yaml");
  await writeIn(
    stack,
    "nexus.yaml",
    text.replace(
      "  comfyui:\n",
      "  comfyui:\n    environment: { STAND_IN_LIE: ready-without-model }\n",
    ),
  );
  for (const outcome of ["ready", "unchanged"]) {
    const { exitCode, document } = await stack.json<Outcomes>("up");
    expect(exitCode).toBe(4);
    expect(document.services).toContainEqual(
      expect.objectContaining({ service: "comfyui", outcome }),
    );
    expect(document.services).toContainEqual(
      expect.objectContaining({
        service: "comfyui-images",
        outcome: "failed",
        failure: expect.objectContaining({ message: expect.stringContaining("has no model") }),
      }),
    );
  }
});

type Outcomes = Readonly<{
  services: readonly Readonly<{ service: string; outcome: string }>[];
}>;
