import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { StackStatus } from "../../src/apply/stack-status.ts";
import type { ChangeDocument } from "../../src/changing-command.ts";
import {
  containersOf,
  engine,
  inspectStack,
  type StackFolder,
  stackFolder,
  until,
  writeIn,
} from "../support/cli.ts";
import { failure } from "../support/failures.ts";

const scenario = "image: nexus-test/scenario:1, port: 9000";
const keeper = `  keeper: { ${scenario}, volumes: ["notes:/data"] }\n`;

let stack: StackFolder;

beforeAll(async () => {
  stack = await stackFolder(
    `${keeper}  looper: { ${scenario}, environment: { SCENARIO_CRASH_AFTER_MS: 2500, SCENARIO_CRASH_CODE: 9 } }\n`,
  );
});
afterAll(async () => stack[Symbol.asyncDispose]());

const status = async () => (await stack.json<StackStatus>("status")).document;
const remove = (path: string) => engine<void>(path, { method: "DELETE" });

test("a service that was ready and then crashes again and again is told as a crash loop", async () => {
  await stack.must("up");
  const looping = await until("the crash loop is told", async () => {
    const { services } = await status();
    return services.find(({ service, state }) => service === "looper" && state === "crash-loop");
  });

  expect(looping).toMatchObject({ cause: { kind: "crash-loop", exitCode: 9 }, atLevel: false });
  expect(looping.logs?.map(({ text }) => text)).toContain("scenario: crashing as told");
});

test("a network that was removed is made again, and the services answer on it", async () => {
  await stack.write(keeper);
  await stack.must("up", "--yes");
  const containers = await inspectStack(stack.name);
  for (const { Id } of containers) {
    const body = { Container: Id, Force: true };
    await engine(`/networks/${stack.name}/disconnect`, { method: "POST", body });
  }
  await remove(`/networks/${stack.name}`);
  await until("the status tells that nothing answers", async () => !(await status()).ok);

  await stack.must("up");

  const joined = await inspectStack(stack.name);
  expect(joined.map(({ NetworkSettings }) => Object.keys(NetworkSettings.Networks))).toEqual(
    joined.map(() => [stack.name]),
  );
  expect((await status()).ok).toBe(true);
});

test("a container and its volume that were removed are made again", async () => {
  const [before] = await containersOf(stack.name, "keeper");
  await remove(`/containers/${before?.Id ?? ""}?force=true`);
  await remove(`/volumes/${stack.name}_notes`);
  expect((await status()).services.find(({ service }) => service === "keeper")?.state).toBe(
    "missing",
  );

  await stack.must("up");

  expect(await engine(`/volumes/${stack.name}_notes`)).toMatchObject({
    Labels: { "io.nexus.stack": stack.name },
  });
  expect((await status()).ok).toBe(true);
});

test("a container that somebody removes during `up` is named, and the next `up` makes it anew", async () => {
  const slow = `{ ${scenario}, environment: { SCENARIO_READY_AFTER_MS: 4000 } }`;
  await stack.write(`${keeper}  slow: ${slow}\n`);
  const up = stack.start(["up", "--json"]);
  const container = await until("the slow one runs", async () => {
    const [found] = await containersOf(stack.name, "slow");
    return found?.State.Running === true && found;
  });
  await remove(`/containers/${container.Id}?force=true`);
  const { exitCode, stdout } = await up;

  expect(await containersOf(stack.name, "slow")).toEqual([]);
  expect(exitCode).toBe(4);
  const { services } = JSON.parse(stdout) as ChangeDocument;
  const outcome = services.find(({ service }) => service === "slow");
  expect(outcome).toMatchObject({
    outcome: "failed",
    failure: { remedy: expect.stringContaining("nexus up") },
  });

  await stack.must("up");
  expect((await status()).ok).toBe(true);
});

test("a secret without a file is named with the file to write, and comes up once it is there", async () => {
  await stack.write(`  keeper: { ${scenario}, secrets: [token] }\n`);
  const file = join(stack.directory, ".nexus/secrets/token");

  expect(await failure(stack, ["up"])).toMatchObject({
    exitCode: 2,
    code: "NEXUS_SECRET_MISSING",
    message: `The secret token has no file at ${file}.`,
    remedy: expect.stringContaining(`chmod 600 ${file}`),
  });

  await writeIn(stack, ".nexus/secrets/token", "s3cret-value");
  await chmod(file, 0o600);
  const { stderr } = await stack.must("up", "--yes");
  expect(stderr + JSON.stringify(await inspectStack(stack.name))).not.toContain("s3cret-value");
});

test("a moving tag and a variable that is not set are warned of; broken files are told by line", async () => {
  await stack.write(
    '  a: { image: "nexus-test/pause", environment: { WHO: "${NOBODY_SET_THIS}" } }\n',
  );
  const { stderr } = await stack.must("plan");
  expect(stderr).toMatch(/nexus-test\/pause is a moving tag/);
  expect(stderr).toContain("NOBODY_SET_THIS");

  await stack.write('  a: { image: "nexus-test/pause:1", prt: 9000 }\n');
  expect(await failure(stack, ["up"])).toMatchObject({
    exitCode: 2,
    code: "NEXUS_INVALID_STACK",
    message: expect.stringMatching(/nexus\.yaml:4:\d+[^]*prt[^]*port/),
  });

  await stack.write("  a: { image: [\n");
  expect(await failure(stack, ["up"])).toMatchObject({
    exitCode: 2,
    code: "NEXUS_INVALID_STACK",
    message: expect.stringMatching(/nexus\.yaml:\d+/),
  });
});
