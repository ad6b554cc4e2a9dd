/** The ancestor's compose projects, imported and brought up: their models, their token and their aliases go on. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MigrationPlan } from "../../src/migrate/migration-plan.ts";
import { contentChecksum } from "../../src/migrate/source/databases.ts";
import type { MigrationDocument } from "../../src/terminal/migration.ts";
import { callEngine } from "../bed/engine-http.ts";
import { writeMemory, writeUsers } from "../support/ai-infra/databases.ts";
import { defaultSecrets } from "../support/ai-infra/secrets.ts";
import {
  engine,
  freePort,
  inspectStack,
  type StackFolder,
  stackFolder,
  until,
} from "../support/cli.ts";
import { hashFolder } from "../support/hash-folder.ts";

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
      Labels: composeLabels(name, "ollama"),
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

const composeLabels = (project: string, service: string) => ({
  "com.docker.compose.project": project,
  "com.docker.compose.service": service,
  "com.docker.compose.container-number": "1",
});

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

const asked = (
  stack: StackFolder,
  path: string,
  body: object,
  key: string = token,
): Promise<Response> =>
  fetch(`${stack.api}/v1${path}`, posted(body, { authorization: `Bearer ${key}` }));

/** The answer of a model, asked as an old client would. */
async function chat(stack: StackFolder, model: string, key?: string): Promise<string> {
  const messages = [{ role: "user", content: "good morning" }];
  const answer = await asked(stack, "/chat/completions", { model, messages }, key);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.status} ${text}`);
  return (JSON.parse(text) as { choices: [{ message: { content: string } }] }).choices[0].message
    .content;
}

const remove = (path: string) => engine(path, { method: "DELETE" }).catch(() => undefined);

/** The old gateway's container, stopped, with what it kept in its volume and in the logs of its databases. */
async function oldGateway({ name, directory }: StackFolder, scratch: string): Promise<void> {
  const volume = `${name}_gateway_data`;
  await composeVolume(name, "gateway_data");
  const { Mountpoint } = await engine<{ Mountpoint: string }>(`/volumes/${volume}`);
  const writers = [writeMemory(scratch), writeUsers(scratch, "with-keys", defaultSecrets)];
  await cp(scratch, Mountpoint, { recursive: true });
  for (const writer of writers) writer.close();
  await mkdir(join(Mountpoint, "ui_images"));
  await writeFile(join(Mountpoint, "ui_images/1_house.png"), "a picture");
  await engine(`/containers/create?name=${name}-nexus-gateway`, {
    method: "POST",
    body: {
      Image: "ollama/ollama:latest",
      Labels: {
        ...composeLabels(name, "gateway"),
        "com.docker.compose.project.working_dir": directory,
        "com.docker.compose.project.config_files": join(directory, "docker-compose.yml"),
      },
      HostConfig: { Binds: [`${volume}:/data`] },
    },
  });
}

const composeVolume = (project: string, key: string) =>
  engine("/volumes/create", {
    method: "POST",
    body: {
      Name: `${project}_${key}`,
      Labels: { "com.docker.compose.project": project, "com.docker.compose.volume": key },
    },
  });

/** Names of containers and volumes that have the stack's in them. */
async function namesOnEngine({ name }: StackFolder): Promise<readonly string[]> {
  const [containers, { Volumes }] = await Promise.all([
    engine<readonly { Names: readonly string[] }[]>("/containers/json?all=true"),
    engine<{ Volumes: readonly { Name: string }[] }>("/volumes"),
  ]);
  const names = [...containers.flatMap(({ Names }) => Names), ...Volumes.map(({ Name }) => Name)];
  return names.filter((each) => each.includes(name)).toSorted();
}

describe("the project of the beginning", () => {
  let stack: Awaited<ReturnType<typeof importable>>;
  let volume: string;
  let scratch: string;
  let before: Readonly<{ engine: readonly string[]; folder: string; data: string }>;

  const migrate = (...more: readonly string[]) => ["migrate", "--from", "nexus-compose", ...more];
  const mountOf = async (name: string) =>
    (await engine<{ Mountpoint: string }>(`/volumes/${name}`)).Mountpoint;

  beforeAll(async () => {
    stack = await importable("seed", () => [`GATEWAY_BEARER_TOKEN=${token}`]);
    volume = `${stack.name}_ollama_data`;
    scratch = await mkdtemp(join(tmpdir(), "nexus-kept-"));
    await composeVolume(stack.name, "ollama_data");
    await oldOllama(stack, volume);
    await oldGateway(stack, scratch);
    before = {
      engine: await namesOnEngine(stack),
      folder: await hashFolder(stack.directory),
      data: await hashFolder(await mountOf(`${stack.name}_gateway_data`)),
    };
  });
  afterAll(async () => {
    await composeDown(stack);
    await remove(`/containers/${stack.name}-nexus-gateway?force=true`);
    await stack[Symbol.asyncDispose]();
    await remove(`/volumes/${volume}`);
    await remove(`/volumes/${stack.name}_gateway_data`);
    await rm(scratch, { recursive: true });
  });

  test("tells what still runs and what goes along, and changes nothing without being told to", async () => {
    type Shown = MigrationDocument & Pick<MigrationPlan, "users" | "data" | "obstacles">;
    const { document } = await stack.json<Shown>(...migrate("--dry-run"));
    expect(document.inventory).toMatchObject({
      containers: expect.arrayContaining([
        expect.objectContaining({ name: `${stack.name}-nexus-ollama`, running: true }),
      ]),
      volumes: [volume],
      ports: [{ service: "ollama", port: stack.ollama, ofProject: true }],
    });
    expect(document.users.map(({ name }) => name)).toEqual(["ada", "brian", "carol"]);
    expect(document.data.map(({ what }) => what)).toEqual(
      expect.arrayContaining(["memory database", "users database", "images"]),
    );
    expect(document.obstacles).toEqual([expect.stringContaining("docker compose stop")]);
    expect((await stack.run(...migrate("--yes"))).exitCode).not.toBe(0);
    expect(await hashFolder(stack.directory)).toBe(before.folder);
    expect(await namesOnEngine(stack)).toEqual(before.engine);
  });

  test("comes up on the volume that it had, and the old token chats", async () => {
    await engine(`/containers/${stack.name}-nexus-ollama/stop?t=0`, { method: "POST" });
    await stack.must(...migrate("--yes"));

    expect(await chat(stack, "llama3.2:3b")).not.toBe("");
    const [ollama] = (await inspectStack(stack.name)).filter(({ Name }) => Name.includes("ollama"));
    expect(ollama?.Mounts.map(({ Name }) => Name)).toContain(volume);
  });

  test("an old API key chats, one that was revoked does not, and users log in with their old passwords", async () => {
    const [live, revoked] = defaultSecrets.apiKeys;
    expect(await chat(stack, "llama3.2:3b", live)).not.toBe("");
    await expect(chat(stack, "llama3.2:3b", revoked)).rejects.toThrow("401");
    const { ada, carol } = defaultSecrets.passwords;
    const logIn = async (username: string, password: string) =>
      (await fetch(`${stack.api}/ui/api/auth/login`, posted({ username, password }))).status;
    expect(await logIn("Ada", ada)).toBe(201);
    expect(await logIn("carol", carol)).toBe(401);
  });

  test("what the gateway kept is in the new one's volume, row for row, and where it was", async () => {
    const carried = join(
      await mountOf(`${stack.name}-gateway`),
      "carried/gateway/var/lib/gateway/data",
    );
    for (const [name, tables] of [
      ["memory", ["memory", "memory_v2"]],
      ["users", ["users", "user_conversations", "user_settings", "user_api_keys"]],
    ] as const)
      for (const table of tables)
        expect(await contentChecksum(join(carried, `${name}.sqlite`), table)).toBe(
          await contentChecksum(join(scratch, `${name}.sqlite`), table),
        );
    expect(await readFile(join(carried, "ui_images/1_house.png"), "utf8")).toBe("a picture");
    expect(await hashFolder(await mountOf(`${stack.name}_gateway_data`))).toBe(before.data);
  });

  test("the token is in no label, environment, command or log, and not in what the migration keeps", async () => {
    const { stdout } = await stack.must("logs");
    const plan = await readFile(join(stack.directory, ".nexus/migration/plan.json"), "utf8");
    expect(JSON.stringify(await inspectStack(stack.name)) + stdout + plan).not.toContain(token);
  });

  test("a rollback puts folder and engine back, and the old project starts again", async () => {
    await stack.must("migrate", "--rollback", "--yes");
    expect(await hashFolder(stack.directory)).toBe(before.folder);
    expect(await namesOnEngine(stack)).toEqual(before.engine);
    await engine(`/containers/${stack.name}-nexus-ollama/start`, { method: "POST" });
    const tags = `http://127.0.0.1:${stack.ollama}/api/tags`;
    await until("Ollama to answer", () => reached(tags));
    expect(await (await fetch(tags)).text()).toContain("llama3.2:3b");
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
