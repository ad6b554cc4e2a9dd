import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { connectEngine } from "../../src/engine/connect.ts";
import {
  BuildFailedError,
  ImageInUseError,
  ImageNotFoundError,
  ImagePlatformError,
  RegistryLoginError,
  RegistryUnreachableError,
} from "../../src/engine/errors.ts";
import {
  closedRegistry,
  credentials,
  forget,
  freshSocketPath,
  openRegistry,
  socketPath,
  startEngineProxy,
  startSecondEngine,
} from "../bed/bed.ts";
import { setUpBench } from "./subject.ts";

const image = "nexus-test/scenario:1";
const staying = ["sh", "-c", "while :; do sleep 1; done"];
const connect = async (change: Readonly<Record<string, string>> = {}) =>
  connectEngine({ environment: { ...process.env, ...change } });

const bench = setUpBench({ connect, image, command: () => staying });

test("what is secret is in no request's address", async () => {
  await using proxy = await startEngineProxy({ socketPath: freshSocketPath(), target: socketPath });
  const engine = await connect({ DOCKER_HOST: proxy.dockerHost });
  const request = bench.request(
    { do: "stay" },
    { environment: { TOKEN: "c4nary" }, labels: { note: "c4nary" } },
  );

  const id = await engine.containers.create(request, bench.network);
  await engine.volumes.create({
    name: `${bench.stack}-v`,
    stack: bench.stack,
    driverOpts: {},
    labels: { note: "c4nary" },
  });
  await engine.networks.create({
    name: `${bench.stack}-internal`,
    stack: bench.stack,
    internal: true,
  });
  await engine.containers.update(id, { restart: { name: "always" } });

  expect(proxy.calls.map((call) => `${call.method} ${decodeURIComponent(call.path)}`)).toContain(
    `POST /containers/create?name=${request.name}`,
  );
  expect(
    proxy.calls.filter((call) => /c4nary|HostConfig|Labels/.test(decodeURIComponent(call.path))),
  ).toEqual([]);
  engine.close();
});

test("a terminal's output comes as it is, and can be resized", async () => {
  const id = await bench.run({ do: "stay" });
  const execution = await bench.engine.containers.exec(
    id,
    ["sh", "-c", "read -r line; stty size 2>/dev/null; echo $line"],
    {
      tty: true,
      environment: { GREETING: "hi" },
    },
  );

  await execution.resize({ columns: 99, rows: 33 });
  execution.stdin.write("hello\n");

  expect(await text(execution.stdout)).toContain("hello");
  expect(await execution.exitCode).toBe(0);
});

test("20,000 bytes written one by one arrive in order", async () => {
  const id = await bench.run({ do: "stay" });
  const program =
    "const fs = require('fs'); for (let i = 0; i < 20000; i += 1) fs.writeSync(1, String(i % 10));";

  const execution = await bench.engine.containers.exec(id, ["node", "-e", program]);

  const expected = Array.from({ length: 20_000 }, (_, index) => index % 10).join("");
  expect((await text(execution.stdout)) === expected).toBe(true);
  expect(await execution.exitCode).toBe(0);
});

test("a non-root user can write to its tmpfs under a read-only root, and nowhere else", async () => {
  const id = await bench.run(
    { do: "stay" },
    { user: "1000:1000", mounts: [{ kind: "tmpfs", target: "/tmp" }] },
  );

  const execution = await bench.engine.containers.exec(id, [
    "sh",
    "-c",
    "echo x > /tmp/x && echo x > /etc/x",
  ]);

  expect(await text(execution.stderr)).toMatch(/read-only/i);
  expect(await execution.exitCode).not.toBe(0);
});

describe("pulling", () => {
  test("shows the bytes of all layers and ends with the image there", async () => {
    const ref = "nexus-test/large:1";
    await using other = await startSecondEngine();
    const engine = await connect({ DOCKER_HOST: other.dockerHost });

    const progress = await Array.fromAsync(engine.images.pull(ref));

    const most = Math.max(...progress.map(({ totalBytes }) => totalBytes));
    expect(most).toBeGreaterThan(50 * 2 ** 20);
    expect(progress.every(({ downloadedBytes, totalBytes }) => downloadedBytes <= totalBytes)).toBe(
      true,
    );
    const last = progress.at(-1);
    expect(last?.layersDone).toBe(last?.layers);
    expect(await engine.images.inspect(ref)).toMatchObject({ os: "linux" });
    engine.close();
  });

  test("tells a missing tag, a refused login, no such platform and no way to the registry apart", async () => {
    const pull = async (ref: string) => Array.fromAsync(bench.engine.images.pull(ref));

    await expect(pull(`${openRegistry}/nexus-test/pause:missing`)).rejects.toThrow(
      ImageNotFoundError,
    );
    await expect(pull(`${closedRegistry}/private/pause:1`)).rejects.toThrow(RegistryLoginError);
    await expect(pull(`${openRegistry}/nexus-test/foreign:1`)).rejects.toThrow(ImagePlatformError);
    await expect(pull("nexus-test/foreign-label:1")).rejects.toThrow(ImagePlatformError);
    await expect(pull("127.0.0.1:1/x:1")).rejects.toThrow(RegistryUnreachableError);
  });

  test("logs in with the credentials of the Docker configuration", async () => {
    const { username, password } = credentials;
    const auth = Buffer.from(`${username}:${password}`).toString("base64");
    const ref = `${closedRegistry}/private/pause:1`;
    await forget(ref);
    const engine = await connect({
      DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [closedRegistry]: { auth } } }),
    });

    await Array.fromAsync(engine.images.pull(ref));

    expect(await engine.images.inspect(ref)).toBeDefined();
    engine.close();
  });
});

describe("building", () => {
  test("sends a context without what its ignore file names, and fails with the last lines", async () => {
    const context = await mkdtemp(path.join(tmpdir(), "nexus-context-"));
    await mkdir(path.join(context, "private"));
    await writeFile(path.join(context, "private", "key"), "geheim");
    await writeFile(path.join(context, ".dockerignore"), "private\n");
    await writeFile(
      path.join(context, "Dockerfile"),
      `FROM ${image}\nARG SAY\nCOPY . /context\nRUN ls /context && echo "saying $SAY" && test ! -e /context/private && exit 9\n`,
    );
    const source = { context, dockerfile: "Dockerfile", args: { SAY: "hello" }, contentHash: "" };
    const lines: string[] = [];

    const failure = await (async () => {
      for await (const { line } of bench.engine.images.build({
        ref: `${bench.stack}:1`,
        source,
        labels: {},
      }))
        lines.push(line);
      return undefined;
    })().catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(BuildFailedError);
    expect(failure).toHaveProperty(
      "message",
      expect.stringContaining("returned a non-zero code: 9"),
    );
    expect(failure).toHaveProperty("message", expect.stringContaining("saying hello"));
    expect(lines.some((line) => line.startsWith("Step 1/"))).toBe(true);
    await rm(context, { recursive: true });
  });

  test("from memory can use a base image, and an image in use is not removed", async () => {
    const ref = `nexus-test/made:${bench.stack}`;
    const entries = [{ path: "Dockerfile", mode: 0o644, content: `FROM ${image}\nLABEL x=y\n` }];
    await Array.fromAsync(bench.engine.images.assemble({ ref, entries, labels: { made: "here" } }));
    const id = await bench.run({ do: "stay" }, { image: ref });

    await expect(bench.engine.images.remove(ref)).rejects.toThrow(ImageInUseError);

    await bench.engine.containers.remove(id);
    await bench.engine.images.remove(ref);
    expect(await bench.engine.images.inspect(ref)).toBeUndefined();
  });
});
