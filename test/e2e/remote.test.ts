import { createServer, type Server } from "node:http";
import { readFile } from "node:fs/promises";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fetchImage } from "../bed/bed.ts";
import { inspectStack, nexusBin, type Ran, type StackFolder, stackFolder } from "../support/cli.ts";
import { type RemoteEngine, startRemoteEngine } from "../support/remote-engine.ts";

let remote: RemoteEngine;
let stack: StackFolder;

beforeAll(async () => {
  remote = await startRemoteEngine();
  await fetchImage("nexus-test/scenario:1", remote.engine.socketPath);
  stack = await stackFolder(
    "  talker: { image: nexus-test/scenario:1, port: 9000, provides: [chat] }\n",
    { environment: { DOCKER_HOST: remote.engine.dockerHost } },
  );
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await remote[Symbol.asyncDispose]();
});

type Environment = Readonly<Record<string, string>>;

/** The engine by certificate, by context and by login: with nothing else of the environment to find it by. */
const ways = {
  tls: (): Environment => ({
    DOCKER_HOST: remote.url,
    DOCKER_TLS_VERIFY: "1",
    DOCKER_CERT_PATH: remote.certificates,
  }),
  context: (): Environment => ({ DOCKER_HOST: "", DOCKER_CONFIG: remote.configuration }),
  ssh: (): Environment => ({ DOCKER_HOST: "ssh://me@far:2222", PATH: remote.sshPath }),
};

async function nexus(environment: Environment, ...words: string[]): Promise<Ran> {
  const { exitCode, stdout, stderr } = await execa(process.execPath, [nexusBin, ...words], {
    cwd: stack.directory,
    reject: false,
    env: { NO_COLOR: "1", CI: "1", ...environment },
    stdin: "ignore",
  });
  return { exitCode: exitCode ?? -1, stdout, stderr };
}

const ids = async () =>
  (await inspectStack(stack.name, remote.engine.socketPath)).map(({ Id }) => Id);

describe("an engine whose published ports are out of reach", () => {
  test("is brought up over TLS with client certificates, ready by the gateway's own word", async () => {
    const up = await nexus(ways.tls(), "up");

    expect(await ids()).toHaveLength(2);
    expect(up).toMatchObject({ exitCode: 0 });
    await expect(fetch(`${stack.observability}/readyz`)).rejects.toThrow("fetch failed");
  });

  test("needs nothing done a second time, by whatever way it is reached", async () => {
    const before = await ids();
    const again = [
      await nexus({ ...ways.context(), DOCKER_CONTEXT: remote.context }, "up"),
      await nexus(ways.ssh(), "up"),
    ];

    expect(await ids()).toEqual(before);
    expect(again.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual([
      [0, expect.stringContaining("Nothing to change")],
      [0, expect.stringContaining("Nothing to change")],
    ]);
  });

  test("has status, keys and models by TLS, by --context and by ssh with one login per command", async () => {
    const status = await nexus(ways.context(), "status", "--context", remote.context, "--json");
    const keys = await nexus(ways.ssh(), "keys", "add", "laptop");
    const models = await nexus(ways.tls(), "models", "ls", "--json");

    expect(JSON.parse(status.stdout)).toMatchObject({ ok: true, differs: false });
    expect(keys).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^nx_\S+$/) });
    expect(JSON.parse(models.stdout).models).toMatchObject([
      { service: "talker", model: "scenario", present: true },
    ]);
    const logins = (await readFile(remote.logins, "utf8")).trim().split("\n");
    expect(new Set(logins)).toEqual(
      new Set(["-o ConnectTimeout=30 -T -l me -p 2222 -- far docker system dial-stdio"]),
    );
  });

  test("is chatted with through its own connection", async () => {
    const chat = await nexus(ways.tls(), "chat", "hello");

    expect(chat).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^scenario 1 /) });
  });

  test("is not taken for the gateway of the same name that listens here, which never sees a key", async () => {
    const readiness = { status: "ready", stack: stack.name, keys: 7, in_flight: 0, services: [] };
    await using impostor = await listenHere(stack, readiness);

    const status = await nexus(ways.tls(), "status", "--json");
    const chat = await nexus(ways.tls(), "chat", "hello");

    expect(impostor.visits.map(({ url }) => url)).toContain("/readyz");
    expect(JSON.parse(status.stdout).services).toHaveLength(2);
    expect(chat.stdout).toMatch(/^scenario 1 /);
    expect(impostor.visits.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
  });
});

test("DOCKER_HOST wins over DOCKER_CONTEXT, and says so", async () => {
  const both = await nexus({ ...ways.tls(), DOCKER_CONTEXT: "elsewhere" }, "status");

  expect(both.exitCode).toBe(0);
  expect(both.stderr).toContain("DOCKER_HOST and DOCKER_CONTEXT (elsewhere) are both set");
});

test.each([
  [
    "a client whose certificate is missing",
    () => ({ DOCKER_HOST: remote.url, DOCKER_TLS: "1", DOCKER_CERT_PATH: remote.configuration }),
    3,
    "NEXUS_ENGINE_TLS",
  ],
  [
    "plain TCP to another machine",
    () => ({ DOCKER_HOST: remote.url }),
    2,
    "NEXUS_ENDPOINT_INSECURE",
  ],
  [
    "a context that is not there",
    () => ({ ...ways.context(), DOCKER_CONTEXT: "moon" }),
    2,
    "NEXUS_CONTEXT_NOT_FOUND",
  ],
])("%s is refused in words of its own", async (_case, environment, exit, code) => {
  const { exitCode, stdout } = await nexus(environment(), "status", "--json");

  expect(exitCode).toBe(exit);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code, exit } });
});

test("the stack is taken down by ssh", async () => {
  const down = await nexus(ways.ssh(), "down", "--volumes", "--yes");

  expect(await ids()).toEqual([]);
  expect(down).toMatchObject({ exitCode: 0 });
});

type Visit = Readonly<{ url: string | undefined; authorization: string | undefined }>;

/** Listens on this machine where the stack's ports are on the engine's, and notes who comes. */
async function listenHere(at: StackFolder, readiness: object) {
  const visits: Visit[] = [];
  const servers: Server[] = [];
  for (const url of [at.api, at.observability]) {
    const server = createServer((request, response) => {
      visits.push({ url: request.url, authorization: request.headers.authorization });
      response.end(JSON.stringify(readiness));
    });
    servers.push(server);
    await new Promise<void>((resolve) => {
      server.listen(Number(new URL(url).port), "127.0.0.1", resolve);
    });
  }
  return {
    visits,
    [Symbol.asyncDispose]: async () => {
      for (const server of servers) server.close().closeAllConnections();
    },
  };
}
