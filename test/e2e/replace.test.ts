import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EngineProxy, startEngineProxy } from "../bed/engine-proxy.ts";
import {
  containersOf,
  identities,
  type Inspected,
  inspectStack,
  services,
  type StackFolder,
  stackFolder,
} from "../support/cli.ts";
import {
  ask,
  askAt,
  fetchFrom,
  heldStream,
  isUnbroken,
  keepAsking,
  openStream,
  rawStream,
} from "../support/traffic.ts";

const chat = { ...heldStream, image: "nexus-test/scenario:1", stall_timeout: "3s" };
const peer = {
  image: "nexus-test/scenario:1",
  port: 9000,
  provides: ["chat"],
  environment: { SCENARIO_MODELS: "peer-model" },
};

let stack: StackFolder;
let proxy: EngineProxy;

beforeAll(async () => {
  const target = (process.env["DOCKER_HOST"] ?? "").replace("unix://", "");
  const socketPath = join(tmpdir(), `nexus-replace-${process.pid}.sock`);
  proxy = await startEngineProxy({ socketPath, target });
  stack = await stackFolder(services({ chat, peer }), {
    environment: { DOCKER_HOST: proxy.dockerHost },
  });
  await stack.must("up");
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
});

test("`up` again sends the engine nothing but questions, and every container is the same", async () => {
  const before = await inspectStack(stack.name);
  const asked = proxy.calls.length;
  const { stderr } = await stack.must("up");

  expect(identities(await inspectStack(stack.name))).toEqual(identities(before));
  const calls = proxy.calls.slice(asked);
  expect(calls.length).toBeGreaterThan(0);
  expect(calls.filter(({ method }) => !["GET", "HEAD"].includes(method))).toEqual([]);
  expect(stderr).toContain("Nothing to change");
});

test("another image replaces one service only; open streams end where they began, and no request fails", async () => {
  const before = await inspectStack(stack.name);
  const [old] = await containersOf(stack.name, "chat");
  const stream = await openStream(stack, "chat/scenario");
  const raw = rawStream(stack, "chat/scenario");
  await using clients = keepAsking(() => ask(stack, "chat/scenario"));
  await using peers = keepAsking(() => helloFromPeer());

  await stack.write(services({ chat: { ...chat, image: "nexus-test/scenario:2" }, peer }));
  const up = stack.start(["up"]);
  await expectAnswer("scenario 2");
  const both = await containersOf(stack.name, "chat");
  expect(both.map(({ State }) => State.Running)).toEqual([true, true]);
  expect(isUnbroken(stream)).toBe(true);
  const sent = JSON.parse(await askAt(old, "/finish")) as number[];
  expect((await up).exitCode).toBe(0);

  expect(await stream.finished).toBe("stop");
  expect(sent).toContain(stream.received.length);
  expect(stream.received[0]).toBe("scenario 1");
  expect((await raw).trimEnd().endsWith("data: [DONE]")).toBe(true);
  const answers = await clients.stop();
  expect(answers.failures).toEqual([]);
  expect(versions(answers.given)).toEqual(["1", "2"]);
  const hellos = await peers.stop();
  expect(hellos.failures).toEqual([]);
  expect(versions(hellos.given)).toEqual(["1", "2"]);
  expect(await untouched(before)).toEqual(["gateway", "peer"]);
  expect(await containersOf(stack.name, "chat")).toHaveLength(1);
});

test.for([
  ["never becomes ready", { environment: { HELD_READY: "never" } }, "loading"],
  ["crashes when it starts", { entrypoint: ["node", "-e", "throw 'my last word'"] }, "last word"],
] as const)(
  "an update that %s exits 4, says why, and leaves the old container serving",
  async ([, change, reason]) => {
    const before = await inspectStack(stack.name);
    await using clients = keepAsking(() => ask(stack, "chat/scenario"));
    const broken = { ...chat, image: "nexus-test/scenario:2", ...change };
    await stack.write(services({ chat: broken, peer }));
    const up = await stack.run("up");

    expect(identities(await inspectStack(stack.name))).toEqual(identities(before));
    const { given, failures } = await clients.stop();
    expect(failures).toEqual([]);
    expect(versions(given)).toEqual(["2"]);
    expect(up.exitCode).toBe(4);
    expect(up.stderr).toContain(reason);
    expect(await fetchFrom(stack, "peer", "http://chat:9000/readyz")).toMatchObject({
      status: 200,
    });

    const status = await stack.json<Status>("status");
    const chatStatus = status.document.services.find(({ service }) => service === "chat");
    expect([status.exitCode, chatStatus?.state, status.document.differs]).toEqual([
      0,
      "ready",
      true,
    ]);
    const plan = await stack.must("plan");
    expect(plan.stdout).toContain("chat");
    expect(plan.stdout).toMatch(/configuration changed/);
  },
);

test("with the old wording back in the file, nothing is left to do", async () => {
  await stack.write(services({ chat: { ...chat, image: "nexus-test/scenario:2" }, peer }));

  expect((await stack.must("up")).stderr).toContain("Nothing to change");
});

type Status = { differs: boolean; services: { service: string; state: string }[] };

/** Services whose containers are what they were. */
async function untouched(before: readonly Inspected[]): Promise<readonly string[]> {
  const known = new Set(identities(before));
  const same = (await inspectStack(stack.name)).filter((each) =>
    known.has(identities([each])[0] ?? ""),
  );
  return same.map(({ Config }) => Config.Labels["io.nexus.service"] ?? "").toSorted();
}

function versions(answers: readonly string[]): readonly string[] {
  const found = answers.map((answer) => /scenario (\d)/.exec(answer)?.[1] ?? answer);
  return [...new Set(found)].toSorted();
}

async function expectAnswer(text: string): Promise<void> {
  await expect.poll(() => ask(stack, "chat/scenario"), { timeout: 20_000 }).toContain(text);
}

/** The peer calls the service by its name; a call that the old container's end cut off is made once more. */
async function helloFromPeer(): Promise<string> {
  const call = async (): Promise<string> => {
    const { text } = await fetchFrom(stack, "peer", "http://chat:9000/self");
    return `scenario ${(JSON.parse(text) as { version: string }).version}`;
  };
  return call().catch(call);
}
