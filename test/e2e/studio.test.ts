import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ChangeDocument } from "../../src/changing-command.ts";
import { repository } from "../bed/bed.ts";
import {
  identities,
  inspectStack,
  services,
  type StackFolder,
  stackFolder,
  writeIn,
} from "../support/cli.ts";

type Outcome = Readonly<{ service: string; outcome: string; failure?: { cause: object } }>;

let stack: StackFolder;

beforeAll(async () => {
  stack = await stackFolder("");
});
afterAll(async () => stack[Symbol.asyncDispose]());

/** Brings up what the stack file says now; resolves with the exit code and what became of every service. */
async function bringUp(): Promise<Readonly<{ exitCode: number; outcomes: readonly Outcome[] }>> {
  const { exitCode, document } = await stack.json<ChangeDocument>("up", "--yes");
  return { exitCode, outcomes: document.services };
}

describe("the ready-made studio, every service of it told to prove itself", () => {
  beforeAll(async () => {
    const shipped = await readFile(`${repository}/stacks/studio/nexus.yaml`, "utf8");
    const [api, observability] = [stack.api, stack.observability].map((url) => new URL(url).port);
    const text = shipped
      .replace("name: studio", `name: ${stack.name}`)
      .replace("port: 8800", `port: ${api}\n  observability_port: ${observability}`)
      .replace(/\n {4}ports: .*/, "")
      .replaceAll(/\n {4}ready: proven/g, "")
      .replaceAll(/\n {4}template: (?!open-webui)(.*)/g, "\n    template: $1\n    ready: proven");
    await writeIn(stack, "nexus.yaml", text);
  });

  test("reaches `proven`: each has done, through the gateway, what it is there for", async () => {
    const { exitCode, outcomes } = await bringUp();
    expect(outcomes.filter(({ failure }) => failure)).toEqual([]);
    expect(exitCode).toBe(0);
    const { document } = await stack.json<{ services: readonly { service: string }[] }>("status");
    expect(document.services.map(({ service }) => service).toSorted()).toEqual([
      "chat",
      "embeddings",
      "gateway",
      "images",
      "speech",
      "transcription",
      "web",
    ]);
  });

  test("needs nothing the second time", async () => {
    const before = identities(await inspectStack(stack.name));
    await stack.must("up");
    expect(identities(await inspectStack(stack.name))).toEqual(before);
  });
});

const adapter = (kind: string, port: number) => ({
  template: "image-adapter",
  ready: "proven",
  depends_on: [kind],
  environment: { UPSTREAM_KIND: kind, UPSTREAM_URL: `http://${kind}:${port}` },
});

/** Every program that has a stand-in, one container each. */
const programs: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  ollama: { template: "ollama", models: ["llama3.2:1b"], ready: "proven" },
  vllm: { template: "vllm", ready: "proven" },
  llamacpp: { template: "llamacpp", ready: "proven" },
  tei: { template: "tei", ready: "proven" },
  reranker: { template: "tei-rerank", ready: "proven" },
  kokoro: { template: "kokoro", ready: "proven" },
  speaches: {
    template: "speaches",
    provides: ["asr"],
    models: ["Systran/faster-whisper-small"],
    ready: "proven",
  },
  whispercpp: { template: "whispercpp", ready: "proven" },
  localai: { template: "localai", ready: "proven" },
  comfyui: { template: "comfyui" },
  "comfyui-images": adapter("comfyui", 8188),
  invokeai: { template: "invokeai" },
  "invokeai-images": adapter("invokeai", 9090),
  "open-webui": { template: "open-webui" },
  qdrant: { template: "qdrant" },
  grafana: { template: "grafana" },
};

/** Who is caught at a lie, and by what; whoever is not named cannot tell that lie. */
const catches = {
  "ready-without-model": {
    ollama: "model-missing",
    vllm: "model-missing",
    llamacpp: "model-missing",
    tei: "request-failed",
    reranker: "request-failed",
    kokoro: "model-missing",
    speaches: "model-missing",
    whispercpp: "request-failed",
    localai: "model-missing",
    "comfyui-images": "still-loading",
    "invokeai-images": "still-loading",
  },
  "never-ready": {
    // It answers, but its list of models never comes.
    ollama: "engine",
    vllm: "still-loading",
    llamacpp: "still-loading",
    tei: "still-loading",
    reranker: "still-loading",
    kokoro: "never-listened",
    speaches: "never-listened",
    whispercpp: "never-listened",
    localai: "still-loading",
    comfyui: "never-listened",
    "comfyui-images": "blocked",
    invokeai: "never-listened",
    "invokeai-images": "blocked",
    "open-webui": "never-listened",
    qdrant: "still-loading",
    grafana: "still-loading",
  },
  "wrong-model": {
    ollama: "model-missing",
    vllm: "model-missing",
    llamacpp: "model-missing",
    tei: "model-missing",
    reranker: "model-missing",
    kokoro: "model-missing",
    speaches: "model-missing",
    localai: "model-missing",
  },
} as const;

describe.each(Object.keys(catches) as (keyof typeof catches)[])("programs that lie: %s", (lie) => {
  let up: Awaited<ReturnType<typeof bringUp>>;

  beforeAll(async () => {
    await stack.must("down", "--volumes", "--yes");
    const told = Object.entries(programs).map(([name, spec]) => {
      const environment = { ...(spec["environment"] as object), STAND_IN_LIE: lie };
      return [name, { ...spec, environment, stall_timeout: "20s" }];
    });
    await stack.write(services(Object.fromEntries(told)));
    up = await bringUp();
  });

  test.each(Object.entries(catches[lie]))("%s is caught: %s", (service, cause) => {
    const found = up.outcomes.find((outcome) => outcome.service === service);
    expect(found).toMatchObject({ failure: { cause: { kind: cause } } });
  });

  test("`up` does not report success", () => {
    expect(up.exitCode).toBe(4);
  });
});
