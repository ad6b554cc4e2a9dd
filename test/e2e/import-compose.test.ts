/** The ancestor's compose projects, imported and brought up: their models, their token and their aliases go on. */
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MigrationDocument } from "../../src/terminal/migration.ts";
import { callEngine } from "../bed/engine-http.ts";
import {
  engine,
  freePort,
  inspectStack,
  type StackFolder,
  stackFolder,
  until,
} from "../support/cli.ts";

const examples = join(import.meta.dirname, "../migrate/nexus-compose");
const token = "the-token-that-clients-have-4f2c";

/** A folder with an example in it, under a project's name and ports of its own. */
async function importable(
  example: string,
  settings: (ports: Readonly<{ gateway: number; ollama: number }>) => readonly string[],
): Promise<StackFolder & Readonly<{ ollama: number }>> {
  const folder = await stackFolder("");
  await rm(join(folder.directory, "nexus.yaml"));
  await cp(join(examples, example), folder.directory, { recursive: true });
  const ollama = await freePort();
  const ports = { gateway: Number(new URL(folder.api).port), ollama };
  const lines = [
    `COMPOSE_PROJECT_NAME=${folder.name}`,
    `GATEWAY_PORT=${ports.gateway}`,
    `OBSERVABILITY_PORT=${new URL(folder.observability).port}`,
    `OLLAMA_PORT=${ollama}`,
    `TTS_PORT=${await freePort()}`,
    `IMAGES_PORT=${await freePort()}`,
    `VLLM_PORT=${await freePort()}`,
    ...settings(ports),
  ];
  await writeFile(join(folder.directory, ".env"), `${lines.join("\n")}\n`);
  return { ...folder, ollama };
}

/** Runs Ollama as Compose would have, and has it fetch a model. */
async function oldOllama(
  { name, ollama }: StackFolder & Readonly<{ ollama: number }>,
  store: string,
): Promise<void> {
  await callEngine((process.env["DOCKER_HOST"] ?? "").replace("unix://", ""), {
    path: "/images/create?fromImage=ollama/ollama&tag=latest",
    method: "POST",
  });
  const { Id } = await engine<{ Id: string }>(`/containers/create?name=${name}-nexus-ollama`, {
    method: "POST",
    body: {
      Image: "ollama/ollama:latest",
      Labels: {
        "com.docker.compose.project": name,
        "com.docker.compose.service": "ollama",
        "com.docker.compose.container-number": "1",
      },
      HostConfig: {
        Binds: [`${store}:/root/.ollama`],
        PortBindings: { "11434/tcp": [{ HostIp: "127.0.0.1", HostPort: String(ollama) }] },
      },
    },
  });
  await engine(`/containers/${Id}/start`, { method: "POST" });
  const api = `http://127.0.0.1:${ollama}/api`;
  await until("Ollama to answer", () => reached(`${api}/version`));
  await (await fetch(`${api}/pull`, posted({ model: "llama3.2:3b" }))).text();
}

const composeDown = ({ name }: StackFolder) =>
  remove(`/containers/${name}-nexus-ollama?force=true`);

const reached = (url: string): Promise<boolean> =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );

const posted = (body: object, headers: Readonly<Record<string, string>> = {}): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body),
});

const asked = (stack: StackFolder, path: string, body: object): Promise<Response> =>
  fetch(`${stack.api}/v1${path}`, posted(body, { authorization: `Bearer ${token}` }));

/** The answer of a model, asked as an old client would. */
async function chat(stack: StackFolder, model: string): Promise<string> {
  const messages = [{ role: "user", content: "good morning" }];
  const answer = await asked(stack, "/chat/completions", { model, messages });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status} ${text}`);
  return (JSON.parse(text) as { choices: [{ message: { content: string } }] }).choices[0].message
    .content;
}

const remove = (path: string) => engine(path, { method: "DELETE" }).catch(() => undefined);

describe("the project of the beginning", () => {
  let stack: Awaited<ReturnType<typeof importable>>;
  let volume: string;

  beforeAll(async () => {
    stack = await importable("seed", () => [`GATEWAY_BEARER_TOKEN=${token}`]);
    volume = `${stack.name}_ollama_data`;
    await engine("/volumes/create", {
      method: "POST",
      body: {
        Name: volume,
        Labels: {
          "com.docker.compose.project": stack.name,
          "com.docker.compose.volume": "ollama_data",
        },
      },
    });
    await oldOllama(stack, volume);
  });
  afterAll(async () => {
    await composeDown(stack);
    await stack[Symbol.asyncDispose]();
    await remove(`/volumes/${volume}`);
  });

  test("tells what still runs and holds a port, and writes nothing without being told to", async () => {
    const { document } = await stack.json<MigrationDocument>(
      "migrate",
      "--from",
      "nexus-compose",
      "--dry-run",
    );
    expect(document.inventory).toMatchObject({
      containers: [{ name: `${stack.name}-nexus-ollama`, running: true }],
      volumes: [volume],
      ports: [{ service: "ollama", port: stack.ollama, ofProject: true }],
    });
    await expect(readFile(join(stack.directory, "nexus.yaml"))).rejects.toThrow("ENOENT");
  });

  test("comes up on the volume that it had, and the old token chats", async () => {
    await stack.must("migrate", "--from", "nexus-compose", "--yes");
    await composeDown(stack);
    await stack.must("up", "--yes");
    await stack.must("keys", "add", "gateway-token", "--existing");

    expect(await chat(stack, "llama3.2:3b")).not.toBe("");
    const [ollama] = (await inspectStack(stack.name)).filter(({ Name }) => Name.includes("ollama"));
    expect(ollama?.Mounts.map(({ Name }) => Name)).toContain(volume);
  });

  test("the token is in no label, environment, command or log", async () => {
    const { stdout } = await stack.must("logs");
    expect(JSON.stringify(await inspectStack(stack.name)) + stdout).not.toContain(token);
  });
});

describe("the project with a file for each component", () => {
  let stack: Awaited<ReturnType<typeof importable>>;

  beforeAll(async () => {
    stack = await importable("later", () => [`GATEWAY_BEARER_TOKENS=${token},change-me`]);
    const folders = ["ollama", "vllm/cache", "tts/data", "tts_refs", "images/data"];
    for (const folder of folders)
      await mkdir(join(stack.directory, ".runtime", folder), { recursive: true });
    await oldOllama(stack, join(stack.directory, ".runtime/ollama"));
    await composeDown(stack);
    await stack.must("migrate", "--from", "nexus-compose", "--yes");
    await stack.must("up", "--yes");
    await stack.must("keys", "add", "gateway-token", "--existing");
  });
  afterAll(async () => stack[Symbol.asyncDispose]());

  test("has Nexus's gateway in the place of its own, of its registry and of its registrars", async () => {
    const names = (await inspectStack(stack.name)).map(
      ({ Config }) => Config.Labels["io.nexus.service"],
    );
    expect(new Set(names)).toEqual(new Set(["gateway", "images", "ollama", "tts", "vllm"]));
    expect(names).toHaveLength(5);
  });

  test("the old token chats under the old aliases", async () => {
    expect(await chat(stack, "default")).not.toBe("");
    expect(await chat(stack, "fast")).toContain("vllm");
  });

  test("speech and images come from what was built from its folders", async () => {
    const speech = await asked(stack, "/audio/speech", {
      model: "pocket-tts",
      input: "hello",
      voice: "alba",
    });
    expect(
      Buffer.from(await speech.arrayBuffer())
        .subarray(0, 4)
        .toString(),
    ).toBe("RIFF");
    const image = await asked(stack, "/images/generations", { model: "stub", prompt: "a house" });
    expect(await image.json()).toMatchObject({ data: [{ b64_json: expect.any(String) }] });
  });

  test("a second `up` changes nothing", async () => {
    expect((await stack.must("up")).stderr).toContain("Nothing to change");
  });
});
