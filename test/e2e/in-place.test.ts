import { afterAll, beforeAll, expect, test } from "vitest";
import {
  containersOf,
  identities,
  type Inspected,
  inspectStack,
  readIn,
  services,
  type StackFolder,
  stackFolder,
  writeIn,
} from "../support/cli.ts";
import { ask, clientOf, isUnbroken, keepAsking, openStream } from "../support/traffic.ts";

const first = {
  image: "nexus-test/scenario:1",
  port: 9000,
  provides: ["chat"],
  mem_limit: "256m",
  cpus: 0.5,
  environment: {
    SCENARIO_CHUNKS: 100_000,
    SCENARIO_CHUNK_EVERY_MS: 20,
    SCENARIO_MODELS: "first,spare",
  },
};
const second = { ...first, environment: { SCENARIO_MODELS: "second" } };

let stack: StackFolder;

beforeAll(async () => {
  stack = await stackFolder(services({ first }));
  await stack.must("up");
});
afterAll(async () => stack[Symbol.asyncDispose]());

test("limits and the restart policy change while the container runs", async () => {
  const before = await inspectStack(stack.name);
  const changed = { ...first, mem_limit: "512m", cpus: 1, pids_limit: 100, restart: "always" };
  await stack.write(services({ first: changed }));
  const { stdout } = await stack.must("plan");
  const { stderr } = await stack.must("up");

  expect(identities(await inspectStack(stack.name))).toEqual(identities(before));
  const [container] = await containersOf(stack.name, "first");
  expect(container?.HostConfig).toMatchObject({
    Memory: 512 * 1024 ** 2,
    NanoCpus: 1e9,
    PidsLimit: 100,
    RestartPolicy: { Name: "always" },
  });
  expect(stdout).toContain("memory 256 MiB → 512 MiB");
  expect(stderr).toMatch(/updated limits$/m);
  expect(stderr).toMatch(/updated restart policy$/m);
  expect((await stack.must("up")).stderr).toContain("Nothing to change");
});

test("what only the gateway has to know touches no container, and open streams go on", async () => {
  const before = await inspectStack(stack.name);
  const stream = await openStream(stack, "first/first");
  const told = {
    ...first,
    models: ["spare"],
    probe: { path: "/v1/models", models: "openai" },
    max_concurrency: 7,
    provides: ["chat", "embedding"],
  };
  await writeAliased(services({ first: told }), { quick: "first/spare" });
  await stack.must("up");

  expect(identities(await inspectStack(stack.name))).toEqual(identities(before));
  expect(await ask(stack, "quick")).toContain("scenario 1");
  expect(isUnbroken(stream)).toBe(true);
  stream.close();
  const ids = (await clientOf(stack).models.list()).data.map(({ id }) => id);
  expect(ids).toEqual(expect.arrayContaining(["spare", "quick"]));
});

test("a declared model that the service does not have is not ready: exit 4, named, and the container stays", async () => {
  const before = await inspectStack(stack.name);
  const wanting = {
    ...first,
    models: ["absent"],
    probe: { path: "/v1/models", models: "openai" },
    stall_timeout: "1s",
  };
  await stack.write(services({ first: wanting }));
  const { exitCode, stderr } = await stack.run("up");

  expect(identities(await inspectStack(stack.name))).toEqual(identities(before));
  expect(exitCode).toBe(4);
  expect(stderr).toContain("absent");
});

test("a second service does not disturb the first: the same container, the same stream", async () => {
  await stack.write(services({ first }));
  await stack.must("up");
  const before = await inspectStack(stack.name);
  const stream = await openStream(stack, "first/first");
  await using clients = keepAsking(() => ask(stack, "first/spare"));
  await stack.write(services({ first, second }));
  await stack.must("up");

  const after = await inspectStack(stack.name);
  expect(identities(after)).toEqual(expect.arrayContaining([...identities(before)]));
  expect(after).toHaveLength(before.length + 1);
  expect(await ask(stack, "second")).toContain("scenario 1");
  expect((await clients.stop()).failures).toEqual([]);
  expect(isUnbroken(stream)).toBe(true);
  stream.close();
});

test("another port replaces the gateway only; keys and routes are the same", async () => {
  const before = await inspectStack(stack.name);
  const moved = Number(new URL(stack.api).port) + 7;
  const text = await readIn(stack, "nexus.yaml");
  await writeIn(stack, "nexus.yaml", text.replace(/port: \d+/, `port: ${moved}`));
  expect((await stack.must("plan")).stdout).toMatch(/gateway[\s\S]*published port/);
  await stack.must("up");

  const after = await inspectStack(stack.name);
  const isService = ({ Config }: Inspected) => Config.Labels["io.nexus.role"] === "service";
  expect(identities(after.filter(isService))).toEqual(identities(before.filter(isService)));
  expect(await containersOf(stack.name, "gateway")).toHaveLength(1);
  expect(await ask({ ...stack, api: `http://127.0.0.1:${moved}` }, "second")).toContain("scenario");
  await expect(fetch(`${stack.api}/health`)).rejects.toThrow("fetch failed");
});

/** The stack file with aliases among what the gateway is told. */
async function writeAliased(
  text: string,
  aliases: Readonly<Record<string, string>>,
): Promise<void> {
  await stack.write(text);
  const file = await readIn(stack, "nexus.yaml");
  await writeIn(
    stack,
    "nexus.yaml",
    file.replace("gateway: { ", `gateway: { aliases: ${JSON.stringify(aliases)}, `),
  );
}
