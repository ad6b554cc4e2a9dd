import { afterAll, beforeAll, expect, test } from "vitest";
import {
  containersOf,
  engine,
  identities,
  inspectStack,
  services,
  type StackFolder,
  stackFolder,
  until,
} from "../support/cli.ts";
import { ask, askContainer, isUnbroken, openStream } from "../support/traffic.ts";

/** Writes to a volume, so that two of it must never run at once. */
const keeper = {
  image: "nexus-test/scenario:1",
  port: 9000,
  provides: ["chat"],
  volumes: ["notes:/data"],
  stall_timeout: "2s",
};
const bystander = {
  ...keeper,
  volumes: [],
  environment: {
    SCENARIO_MODELS: "other",
    SCENARIO_CHUNKS: 100_000,
    SCENARIO_CHUNK_EVERY_MS: 20,
  },
};

let stack: StackFolder;

beforeAll(async () => {
  stack = await stackFolder("");
  await write(keeper);
  await stack.must("up");
  await askContainer(stack, "keeper", "/files/note", put("do not lose me"));
});
afterAll(async () => stack[Symbol.asyncDispose]());

test("a container that writes to a volume is stopped before the next one starts, and the data is there", async () => {
  const before = await containersOf(stack.name, "keeper");
  const stream = await openStream(stack, "bystander/other");
  await write({ ...keeper, image: "nexus-test/scenario:2" });
  expect((await stack.must("plan")).stdout).toMatch(/both write to volume .*notes/);
  const overlap = await watchOverlap(() => stack.must("up"));

  const after = await containersOf(stack.name, "keeper");
  expect(after.map(({ Config, State }) => [Config.Image, State.Running])).toEqual([
    ["nexus-test/scenario:2", true],
  ]);
  expect(after[0]?.Id).not.toBe(before[0]?.Id);
  expect(overlap).toBe(1);
  expect(await askContainer(stack, "keeper", "/files/note")).toBe("do not lose me");
  expect(await ask(stack, "keeper/scenario")).toContain("scenario 2");
  expect(isUnbroken(stream)).toBe(true);
  stream.close();
});

test.for([
  ["never becomes ready", { SCENARIO_READY_AFTER_MS: "never" }],
  ["crashes when it starts", { SCENARIO_CRASH_AFTER_MS: 1 }],
] as const)(
  "when the new one %s, the old container is put back with its data, and `up` exits 4",
  async ([, environment]) => {
    const [before] = await containersOf(stack.name, "keeper");
    await write({ ...keeper, image: "nexus-test/scenario:2", environment });
    const up = await stack.run("up");

    const after = await containersOf(stack.name, "keeper");
    expect(after.map(({ Id, State }) => [Id, State.Running])).toEqual([[before?.Id, true]]);
    expect(after[0]?.HostConfig.RestartPolicy.Name).toBe("unless-stopped");
    expect(await askContainer(stack, "keeper", "/files/note")).toBe("do not lose me");
    expect(await ask(stack, "keeper/scenario")).toContain("scenario 2");
    expect(up.exitCode).toBe(4);
    expect((await stack.json("status")).document).toMatchObject({ ok: true, differs: true });
    expect((await stack.must("plan")).stdout).toMatch(/configuration changed/);
  },
);

test("a service that leaves the file loses its container and keeps its volume, which is there when it comes back", async () => {
  const others = await inspectStack(stack.name);
  await stack.write(services({ bystander }));
  await stack.must("up");

  expect(await containersOf(stack.name, "keeper")).toEqual([]);
  const survivors = others.filter(({ Name }) => !Name.includes("keeper"));
  expect(identities(await inspectStack(stack.name))).toEqual(identities(survivors));
  await engine(`/volumes/${stack.name}_notes`);
  await expect(ask(stack, "keeper/scenario")).rejects.toThrow(/404/);

  await write(keeper);
  await stack.must("up");
  expect(await askContainer(stack, "keeper", "/files/note")).toBe("do not lose me");
});

test("under another name the service takes its volume along: the old container makes room and is removed", async () => {
  await stack.write(services({ archivist: keeper, bystander }) + volumes);
  const overlap = await watchOverlap(() => stack.must("up"));

  expect(await containersOf(stack.name, "keeper")).toEqual([]);
  expect(await containersOf(stack.name, "archivist")).toHaveLength(1);
  expect(overlap).toBe(1);
  expect(await askContainer(stack, "archivist", "/files/note")).toBe("do not lose me");
  expect(await ask(stack, "archivist/scenario")).toContain("scenario 1");
});

const volumes = "volumes: { notes: {} }\n";

const write = (spec: object): Promise<void> =>
  stack.write(services({ keeper: spec, bystander }) + volumes);

const put = (content: string): RequestInit => ({
  method: "PUT",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ content }),
});

/** The most containers of the volume's writers that ran at one moment while `act` went on. */
async function watchOverlap(act: () => Promise<unknown>): Promise<number> {
  let most = 0;
  let done = false;
  const acting = act().finally(() => (done = true));
  await until(
    "the command has ended",
    async () => {
      const running = (await inspectStack(stack.name)).filter(
        ({ State, Mounts }) => State.Running && Mounts.some(({ Name }) => Name?.endsWith("_notes")),
      );
      most = Math.max(most, running.length);
      return done;
    },
    60_000,
  );
  await acting;
  return most;
}
