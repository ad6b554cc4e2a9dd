import { createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { connectEngine } from "../../src/engine/connect.ts";
import {
  AddressPoolError,
  BindSourceMissingError,
  CommandNotFoundError,
  ContainerMissingError,
  DiskFullError,
  EngineLostError,
  GpuUnavailableError,
  LimitRefusedError,
  LogsUnavailableError,
  NameTakenError,
  NetworkMissingError,
  UserMissingError,
} from "../../src/engine/errors.ts";
import type { ContainerRequest, Engine } from "../../src/engine/engine.ts";
import {
  fetchImage,
  freshSocketPath,
  openRegistry,
  socketPath,
  startEngineProxy,
  startSecondEngine,
} from "../bed/bed.ts";
import { member } from "../bed/containers.ts";
import { callEngine } from "../bed/engine-http.ts";
import { eventsUntil, setUpBench } from "./subject.ts";

const image = "nexus-test/scenario:1";
const staying = ["sh", "-c", "while :; do sleep 1; done"];
const connect = async () => connectEngine({ environment: process.env });
const connectTo = async (dockerHost: string): Promise<Engine> =>
  connectEngine({ environment: { ...process.env, DOCKER_HOST: dockerHost } });

const bench = setUpBench({ connect, image, command: () => staying });

describe("a start that fails says why", () => {
  const start = async (change: Partial<ContainerRequest>) => bench.run({ do: "stay" }, change);

  test("when the command is not in the image", async () => {
    await expect(start({ entrypoint: ["/nope"], init: false })).rejects.toThrow(
      CommandNotFoundError,
    );
    const { containers } = await bench.engine.observe(bench.stack, []);
    expect(containers[0]).toMatchObject({
      state: "created",
      error: expect.stringContaining("/nope"),
    });
  });

  test("except that under an init a command that is not in the image ends with 127", async () => {
    const ended = eventsUntil(bench.engine, bench.stack, "die");

    await start({ entrypoint: ["/nope"] });

    expect((await ended).at(-1)?.exitCode).toBe(127);
  });

  test("when the user is not in the image", async () => {
    await expect(start({ user: "nosuch" })).rejects.toThrow(UserMissingError);
  });

  test("when a bind's source does not exist", async () => {
    const mounts = [
      { kind: "bind", source: "/does/not/exist", target: "/x", readOnly: true },
    ] as const;

    await expect(start({ mounts })).rejects.toThrow(BindSourceMissingError);
  });

  test("when a limit is impossible", async () => {
    await expect(start({ limits: { pids: 10, memoryBytes: 1_000_000 } })).rejects.toThrow(
      LimitRefusedError,
    );
    await expect(start({ limits: { pids: 10, cpus: 4000 } })).rejects.toThrow(LimitRefusedError);
  });

  test("when its network was removed underneath", async () => {
    const id = await bench.engine.containers.create(bench.request({ do: "stay" }), bench.network);
    await bench.engine.networks.remove(bench.network);

    await expect(bench.engine.containers.start(id)).rejects.toThrow(NetworkMissingError);
  });

  test("when a process of the host listens on its port", async () => {
    const server = createServer();
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(28_313, "127.0.0.1", resolve);
    await promise;
    const ports = [
      { hostIp: "127.0.0.1", hostPort: 28_313, containerPort: 80, protocol: "tcp" as const },
    ];

    await expect(start({ ports })).rejects.toThrow(
      `Port 28313 on 127.0.0.1 is already used by process ${process.pid}`,
    );

    server.close();
  });

  test("when the GPU's driver is missing, on an engine without one", async () => {
    await using other = await startSecondEngine({ nvidia: false });
    await fetchImage(image, other.socketPath);
    const engine = await connectTo(other.dockerHost);
    const network = await engine.networks.create({
      name: bench.stack,
      stack: bench.stack,
      internal: false,
    });
    const request = bench.request({ do: "stay" }, { gpus: { kind: "nvidia", ids: ["GPU-1"] } });
    const id = await engine.containers.create(request, network);

    await expect(engine.containers.start(id)).rejects.toThrow(GpuUnavailableError);
    expect((await engine.describe()).gpuKinds).not.toContain("nvidia");
    expect(await engine.gpus(image)).toEqual([]);
    engine.close();
  });
});

describe("what others made", () => {
  const strangers: string[] = [];

  afterEach(async () => {
    for (const path of strangers.splice(0))
      await callEngine(socketPath, { method: "DELETE", path });
  });

  test("keeps its container's name", async () => {
    const name = `${bench.stack}-llm-1`;
    const body = { Image: image, Cmd: staying };
    await callEngine(socketPath, { method: "POST", path: `/containers/create?name=${name}`, body });
    strangers.push(`/containers/${name}?force=true`);

    const created = bench.run({ do: "stay" });

    await expect(created).rejects.toThrow(NameTakenError);
    await expect(created).rejects.toThrow("owner unknown");
  });

  test("keeps its network's name", async () => {
    const name = `${bench.stack}-internal`;
    await callEngine(socketPath, {
      method: "POST",
      path: "/networks/create",
      body: { Name: name },
    });
    strangers.push(`/networks/${name}`);

    const created = bench.engine.networks.create({ name, stack: bench.stack, internal: true });

    await expect(created).rejects.toThrow(NameTakenError);
    const { networks } = await bench.engine.observe(bench.stack, []);
    expect(networks.find((network) => network.name === name)).not.toHaveProperty("stack");
  });

  test("and duplicates of our own are merged into the one in use", async () => {
    const body = { Name: bench.stack, Labels: { "io.nexus.stack": bench.stack } };
    await bench.run({ do: "stay" });
    const duplicate = await callEngine(socketPath, {
      method: "POST",
      path: "/networks/create",
      body,
    });
    expect(duplicate.status).toBe(201);

    const kept = await bench.engine.networks.create({
      name: bench.stack,
      stack: bench.stack,
      internal: false,
    });

    expect(kept).toBe(bench.network);
    const { networks } = await bench.engine.observe(bench.stack, []);
    expect(networks.map(({ id }) => id)).toEqual([bench.network]);
  });

  test("may log where nothing can be read back", async () => {
    const body = { Image: image, Cmd: staying, HostConfig: { LogConfig: { Type: "none" } } };
    const { text } = await callEngine(socketPath, {
      method: "POST",
      path: "/containers/create",
      body,
    });
    const id = String(member(JSON.parse(text), "Id"));
    strangers.push(`/containers/${id}?force=true`);

    await expect(Array.fromAsync(bench.engine.containers.logs(id, {}))).rejects.toThrow(
      LogsUnavailableError,
    );
    await expect(Array.fromAsync(bench.engine.containers.logs("nosuch", {}))).rejects.toThrow(
      ContainerMissingError,
    );
  });
});

describe("an engine that runs out", () => {
  test("of disk fails the pull with that reason", async () => {
    await using other = await startSecondEngine({ dataRootBytes: 64 * 2 ** 20 });
    const engine = await connectTo(other.dockerHost);

    const pulling = Array.fromAsync(engine.images.pull(`${openRegistry}/nexus-test/large:1`));

    await expect(pulling).rejects.toThrow(DiskFullError);
    engine.close();
  });

  test("of address pools gives networks ranges of our own", async () => {
    await using other = await startSecondEngine({
      args: ["--default-address-pool", "base=10.99.0.0/24,size=24"],
    });
    const engine = await connectTo(other.dockerHost);
    const names = ["one", "two", "three"];

    const ids = await Promise.all(
      names.map(async (name) => engine.networks.create({ name, stack: name, internal: false })),
    ).catch((error: unknown) => (error instanceof AddressPoolError ? [] : Promise.reject(error)));

    expect(new Set(ids).size).toBe(3);
    engine.close();
  });
});

describe("an engine that goes away", () => {
  test("in the middle of a call is reported as lost, and found again", async () => {
    await using proxy = await startEngineProxy(
      { socketPath: freshSocketPath(), target: socketPath },
      [{ match: /^GET \/networks/, fault: { kind: "reset" }, times: 1 }],
    );
    const engine = await connectTo(proxy.dockerHost);

    await expect(engine.observe(bench.stack, [])).rejects.toThrow(EngineLostError);
    expect((await engine.observe(bench.stack, [])).networks).toHaveLength(1);
    engine.close();
  });

  test("during events and exec ends both with that failure", async () => {
    await using other = await startSecondEngine();
    await fetchImage(image, other.socketPath);
    const engine = await connectTo(other.dockerHost);
    const network = await engine.networks.create({
      name: bench.stack,
      stack: bench.stack,
      internal: false,
    });
    const id = await engine.containers.create(bench.request({ do: "stay" }), network);
    await engine.containers.start(id);
    const watching = Array.fromAsync(engine.events(bench.stack, new AbortController().signal));
    const { exitCode, stdout, stderr } = await engine.containers.exec(id, staying);
    for (const stream of [stdout, stderr]) stream.on("error", () => undefined).resume();

    await Promise.all([
      other.stop("SIGKILL"),
      expect(watching).rejects.toThrow(EngineLostError),
      expect(exitCode).rejects.toThrow(EngineLostError),
    ]);

    await other.start();
    expect((await engine.describe()).apiVersion).toBe("1.41");
    engine.close();
  });
});
