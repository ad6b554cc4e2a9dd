import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ChangeDocument } from "../../src/changing-command.ts";
import { closedRegistry, credentials, forget } from "../bed/bed.ts";
import { tinyLayer } from "../bed/images/base.ts";
import { pushImage } from "../bed/images/registry.ts";
import {
  containersOf,
  inspectStack,
  type Ran,
  type StackFolder,
  stackFolder,
} from "../support/cli.ts";

const image = `${closedRegistry}/private/login:1`;
const { username, password } = credentials;
const services = `  guarded: { image: "${image}", pull_policy: always }\n`;

let home: string;
let stack: StackFolder;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "nexus-login-"));
  const path = `${home}:${process.env["PATH"] ?? ""}`;
  stack = await stackFolder(services, { environment: { DOCKER_CONFIG: home, PATH: path } });
  const sleep = ["/bin/sh", "-c", "trap 'exit 0' TERM; sleep 1000000 & wait"];
  await pushImage(
    { address: closedRegistry, credentials },
    { names: ["private/login:1"], layers: [await tinyLayer([])], settings: { cmd: sleep } },
  );
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await forget(image);
  await rm(home, { recursive: true, force: true });
});

test("without credentials the pull is refused, and the login to make is named", async () => {
  const { exitCode, document } = await stack.json<ChangeDocument>("up");

  expect(await containersOf(stack.name, "guarded")).toEqual([]);
  expect(exitCode).toBe(8);
  expect(document.services.find(({ service }) => service === "guarded")).toMatchObject({
    outcome: "failed",
    failure: {
      cause: { kind: "engine", code: "NEXUS_REGISTRY_LOGIN" },
      message: expect.stringContaining(`refused access to ${image} (tried: no credentials)`),
      remedy: expect.stringContaining(`docker login ${closedRegistry}`),
    },
  });
});

test("credentials that are wrong are told with where they came from, and never shown", async () => {
  await configure(loggedIn("not-the-password"));
  const { exitCode, stderr } = await stack.run("up");

  expect(exitCode).toBe(8);
  expect(stderr).toContain("tried: auths in Docker's config.json");
  expect(stderr).not.toContain("not-the-password");
});

test("a credential helper that is not installed is named at once", async () => {
  await configure({ credHelpers: { [closedRegistry]: "nowhere" } });
  const since = performance.now();
  const { exitCode, stderr } = await stack.run("up");

  expect(exitCode).toBe(8);
  expect(stderr).toContain("docker-credential-nowhere could not be asked");
  expect(performance.now() - since).toBeLessThan(20_000);
});

test("a credential helper on the PATH is asked, and the next `up` converges", async () => {
  const answer = { ServerURL: closedRegistry, Username: username, Secret: password };
  const helper = join(home, "docker-credential-bed");
  await writeFile(
    helper,
    `#!/bin/sh\nread server\n[ "$server" = "${closedRegistry}" ] && echo '${JSON.stringify(answer)}'\n`,
  );
  await chmod(helper, 0o755);
  await configure({ credHelpers: { [closedRegistry]: "bed" } });

  expect(await traceOf(await stack.must("up"))).toEqual({ running: [true], loginSeen: false });
});

test("a login in Docker's config.json is used", async () => {
  await configure(loggedIn(password));

  expect(await traceOf(await stack.must("up"))).toEqual({ running: [true], loginSeen: false });
});

const loggedIn = (secret: string) => ({
  auths: { [closedRegistry]: { auth: Buffer.from(`${username}:${secret}`).toString("base64") } },
});

const configure = (configuration: object): Promise<void> =>
  writeFile(join(home, "config.json"), JSON.stringify(configuration));

/** Whether the image was pulled and runs, and whether the login can be read anywhere. */
async function traceOf({ stdout, stderr }: Ran) {
  const all = await inspectStack(stack.name);
  const running = (await containersOf(stack.name, "guarded")).map(({ State }) => State.Running);
  return { running, loginSeen: (stdout + stderr + JSON.stringify(all)).includes(password) };
}
