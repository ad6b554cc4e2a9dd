import { createServer, type Server } from "node:http";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  containersOf,
  engine,
  identities,
  inspectStack,
  services,
  type StackFolder,
  stackFolder,
  writeIn,
} from "../support/cli.ts";
import { ask, askContainer, fetchFrom } from "../support/traffic.ts";

const password = "correct-horse-battery-staple";
/** Knows this machine, which is no part of the stack, as `outside`. */
const scenario = {
  image: "nexus-test/scenario:1",
  port: 9000,
  provides: ["chat"],
  extra_hosts: { outside: "host-gateway" },
};
const store = { ...scenario, environment: { SCENARIO_MODELS: "store" } };
const open = {
  ...scenario,
  environment: { SCENARIO_MODELS: "open" },
  secrets: ["password"],
  user: "node",
};
/** Without a way out, yet it talks to the store and is talked to by the gateway. */
const closed = {
  ...scenario,
  environment: { SCENARIO_MODELS: "closed" },
  egress: false,
  depends_on: ["store"],
  secrets: ["password"],
};

let stack: StackFolder;
let outside: Server;
let outsideUrl: string;

beforeAll(async () => {
  outside = createServer((_, response) => response.end("the outside"));
  await new Promise<void>((resolve) => outside.listen(0, "0.0.0.0", resolve));
  const address = outside.address();
  const port = typeof address === "object" ? address?.port : 0;
  outsideUrl = `http://outside:${port}/`;
  stack = await stackFolder(services({ store, open, closed }));
  await writeSecret(password);
  await stack.must("up");
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  outside.close();
});

test("`egress: false` has no way out, and others have", async () => {
  expect(await reachesOutside()).toEqual({ open: true, store: true, closed: false });
  const [container] = await containersOf(stack.name, "closed");
  expect(Object.keys(container?.NetworkSettings.Networks ?? {})).toEqual([
    `${stack.name}-internal`,
  ]);
});

test("a closed-off service is served through the gateway and reaches what it depends on, by name", async () => {
  expect(await ask(stack, "closed")).toContain("scenario 1");
  expect(await fromClosed("http://store:9000/health")).toMatchObject({ status: 200 });
  expect(await fetchFrom(stack, "open", "http://store:9000/health")).toMatchObject({ status: 200 });
  await expect(fetchFrom(stack, "open", "http://closed:9000/health")).rejects.toThrow(/500/);
});

test("closed-off and dependency find each other after either was replaced", async () => {
  const changed = { ...store, image: "nexus-test/scenario:2" };
  await stack.write(services({ store: changed, open, closed }));
  await stack.must("up");
  expect(versionIn(await fromClosed("http://store:9000/self"))).toBe("2");
  expect(versionIn(await fetchFrom(stack, "open", "http://store:9000/self"))).toBe("2");

  const newer = { ...closed, image: "nexus-test/scenario:2" };
  await stack.write(services({ store: changed, open, closed: newer }));
  await stack.must("up");
  expect(versionIn(await askClosed("/self"))).toBe("2");
  expect(versionIn(await fromClosed("http://store:9000/self"))).toBe("2");
  expect(await ask(stack, "closed")).toContain("scenario 2");
  expect(await reachesOutside()).toEqual({ open: true, store: true, closed: false });
});

test("a secret is a file that the service's user can read, whether the image or the stack names it", async () => {
  expect(await readSecret()).toBe(password);
  expect(await askContainer(stack, "open", secretPath)).toBe(password);
  const self = JSON.parse((await askClosed("/self")).text) as Self;
  expect(self.status.Uid).toMatch(/^1000/);
});

test("a secret is in no inspect, label, log, plan or effective stack", async () => {
  const [inspected, volumes, images] = await Promise.all([
    inspectStack(stack.name),
    engine<unknown>("/volumes"),
    engine<unknown>("/images/json"),
  ]);
  expect(JSON.stringify([inspected, volumes, images])).not.toContain(password);
  for (const words of [
    ["config"],
    ["config", "--json"],
    ["plan"],
    ["logs"],
    ["status", "--json"],
  ]) {
    const { stdout, stderr } = await stack.run(...words);
    expect(stdout + stderr).not.toContain(password);
  }
  expect((await askClosed("/self")).text).not.toContain(password);
});

test("a changed secret replaces the services that read it, and no other", async () => {
  const before = await inspectStack(stack.name);
  await writeSecret("another-one");
  const { stdout } = await stack.must("plan");
  expect(stdout).not.toContain("another-one");
  await stack.must("up");

  expect(await readSecret()).toBe("another-one");
  const isOther = ({ Name }: Readonly<{ Name: string }>) => !/-(?:closed|open)-/.test(Name);
  expect(identities((await inspectStack(stack.name)).filter(isOther))).toEqual(
    identities(before.filter(isOther)),
  );
  expect((await stack.must("up")).stderr).toContain("Nothing to change");
});

test("a secret that is missing is told before anything is done", async () => {
  const before = await inspectStack(stack.name);
  const wanting = { ...closed, secrets: ["password", "token"] };
  await stack.write(services({ store, open, closed: wanting }));
  const { exitCode, stderr } = await stack.run("up");

  expect(identities(await inspectStack(stack.name))).toEqual(identities(before));
  expect(exitCode).toBe(2);
  expect(stderr).toContain("token");
});

type Self = { version: string; status: { Uid: string } };
type Fetched = Readonly<{ status: number; text: string }>;

/** Asks the closed-off service by way of the one it depends on: this machine cannot reach it either. */
const askClosed = (path: string): Promise<Fetched> =>
  fetchFrom(stack, "store", `http://closed:9000${path}`);

/** What the closed-off service is answered when it fetches a URL. */
async function fromClosed(url: string): Promise<Fetched> {
  const { status, text } = await askClosed(`/fetch?url=${encodeURIComponent(url)}`);
  return status === 200 ? (JSON.parse(text) as Fetched) : { status, text };
}

async function reachesOutside(): Promise<Readonly<Record<string, boolean>>> {
  const reaches = (asking: Promise<Fetched>): Promise<boolean> =>
    asking.then(
      ({ text }) => text === "the outside",
      () => false,
    );
  const [fromOpen, fromStore, closedOff] = await Promise.all([
    reaches(fetchFrom(stack, "open", outsideUrl)),
    reaches(fetchFrom(stack, "store", outsideUrl)),
    reaches(fromClosed(outsideUrl)),
  ]);
  return { open: fromOpen, store: fromStore, closed: closedOff };
}

const versionIn = ({ text }: Fetched): string => (JSON.parse(text) as Self).version;

const secretPath = "/read?path=/run/secrets/password";

const readSecret = async (): Promise<string> => (await askClosed(secretPath)).text;

async function writeSecret(content: string): Promise<void> {
  await writeIn(stack, ".nexus/secrets/password", content);
  await chmod(join(stack.directory, ".nexus/secrets/password"), 0o600);
}
