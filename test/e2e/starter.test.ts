import { createConnection } from "node:net";
import OpenAI, { AuthenticationError } from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  containersOf,
  inspectStack,
  type Ran,
  type StackFolder,
  stackFolder,
} from "../support/cli.ts";

let stack: StackFolder;
let up: Ran;

beforeAll(async () => {
  stack = await stackFolder("  example: { template: example }\n");
  up = await stack.run("up");
});
afterAll(async () => stack[Symbol.asyncDispose]());

const client = (apiKey = stack.key()) =>
  new OpenAI({ baseURL: `${stack.api}/v1`, apiKey, maxRetries: 0 });

test("`nexus up` exits 0 with every service at its level, and status agrees", async () => {
  expect(up.stderr).toContain("example");
  expect(up.exitCode).toBe(0);

  const { exitCode, document } = await stack.json<{
    ready: boolean;
    services: { service: string; state: string }[];
  }>("status");
  expect(exitCode).toBe(0);
  expect(document.services.map(({ service, state }) => [service, state])).toEqual([
    ["gateway", "ready"],
    ["example", "ready"],
  ]);
});

test("the official client lists models, chats, streams and embeds through the gateway", async () => {
  const models = await client().models.list();
  expect(models.data.map(({ id }) => id)).toEqual(
    expect.arrayContaining(["echo-1", "hash-embedding-1"]),
  );

  const messages = [{ role: "user" as const, content: "good morning" }];
  const answer = await client().chat.completions.create({ model: "echo-1", messages });
  expect(answer.choices[0]?.message.content).toContain("good morning");

  const pieces: string[] = [];
  for await (const { choices } of await client().chat.completions.create({
    model: "echo-1",
    messages,
    stream: true,
  })) {
    pieces.push(choices[0]?.delta.content ?? "");
  }
  expect(pieces.filter((piece) => piece !== "").length).toBeGreaterThan(1);
  expect(pieces.join("")).toContain("good morning");

  const { data } = await client().embeddings.create({
    model: "hash-embedding-1",
    input: ["one", "two"],
  });
  expect(data.map(({ embedding }) => embedding.length > 8)).toEqual([true, true]);
});

test("without a key, or with a wrong one, the answer is 401 in OpenAI's shape", async () => {
  const bare = await fetch(`${stack.api}/v1/models`);
  expect(bare.status).toBe(401);
  expect(await bare.json()).toMatchObject({
    error: { message: expect.any(String), type: expect.any(String) },
  });
  await expect(client("nx_wrong").models.list()).rejects.toBeInstanceOf(AuthenticationError);
});

test("only the gateway is published, on loopback; a backend cannot be reached from the host's addresses", async () => {
  const [gateway, ...services] = (await inspectStack(stack.name)).toSorted((a) =>
    a.Config.Labels["io.nexus.role"] === "gateway" ? -1 : 1,
  );
  expect(Object.values(gateway?.NetworkSettings.Ports ?? {})).toEqual([
    [expect.objectContaining({ HostIp: "127.0.0.1" })],
    [expect.objectContaining({ HostIp: "127.0.0.1" })],
  ]);
  for (const { NetworkSettings } of services) {
    expect(Object.values(NetworkSettings.Ports).filter((binding) => binding !== null)).toEqual([]);
  }
  await expect(connects("127.0.0.1", 9000)).resolves.toBe(false);
});

test("containers are hardened: no capabilities, no new privileges, limits, read-only and nobody where the image allows", async () => {
  for (const { Config, HostConfig } of await inspectStack(stack.name)) {
    expect(HostConfig.CapDrop).toEqual(["ALL"]);
    expect(HostConfig.SecurityOpt).toEqual(["no-new-privileges:true"]);
    expect(HostConfig.Privileged).toBe(false);
    expect(HostConfig.ReadonlyRootfs).toBe(true);
    expect(HostConfig.PidsLimit).toBeGreaterThan(0);
    expect(HostConfig["Init"]).toBe(true);
    expect(HostConfig["LogConfig"]).toMatchObject({ Config: { "max-size": expect.any(String) } });
    expect(HostConfig.RestartPolicy.Name).toBe("unless-stopped");
    expect(Config.User).toMatch(/^65532/);
  }
});

test("the key is in no environment, label, command or log", async () => {
  const key = stack.key();
  const everything = JSON.stringify(await inspectStack(stack.name));
  const { stdout } = await stack.must("logs");

  expect(key).toMatch(/^nx_/);
  expect(everything).not.toContain(key);
  expect(stdout + up.stdout + up.stderr).not.toContain(key);
});

test("`nexus chat` streams an answer with the stored key", async () => {
  const { stdout } = await stack.must("chat", "hello there");

  expect(stdout).toContain("hello there");
});

test("`up` again changes nothing: the same containers, nothing started", async () => {
  const before = await inspectStack(stack.name);
  const { stderr } = await stack.must("up");

  expect((await inspectStack(stack.name)).map(({ Id, State }) => [Id, State.StartedAt])).toEqual(
    before.map(({ Id, State }) => [Id, State.StartedAt]),
  );
  expect(stderr).toContain("Nothing to change");
  expect(await containersOf(stack.name, "example")).toHaveLength(1);
});

function connects(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = createConnection({ host, port });
  socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}
