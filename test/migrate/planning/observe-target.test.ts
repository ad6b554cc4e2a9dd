/** What is there already where a stack is to be: real ports, real files. */
import { createServer, type Server } from "node:net";
import { once } from "node:events";
import { expect, test } from "vitest";
import { readCatalog } from "../../../src/catalog/catalog.ts";
import type { FoundGateway } from "../../../src/migrate/inventory.ts";
import { observeTarget } from "../../../src/migrate/planning/observe-target.ts";
import { InMemoryEngine } from "../../support/in-memory-engine.ts";
import { folderOf } from "../../stack/folder.ts";
import { choices, env, host, nothing, service } from "./inventories.ts";

const catalog = await readCatalog();

async function listening(): Promise<AsyncDisposable & Readonly<{ port: number }>> {
  const server: Server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, "close");
    },
  };
}

function gatewayOn(port: number): FoundGateway {
  return { host: "ai2", at: env(1), listens: { address: "127.0.0.1", port }, carried: {} };
}

test("a port that something listens on is held, by the old gateway where that is its own", async () => {
  await using held = await listening();
  await using folder = await folderOf({});
  const gateway = gatewayOn(held.port);
  const here = { ...choices, directory: folder.path };
  const hosts = [host("ai2", { live: true })];
  const { ports, freeBytes, engine } = await observeTarget({ ...nothing, gateway, hosts }, here, {
    catalog,
  });
  expect(ports).toContainEqual({ port: held.port, heldBy: "the old gateway" });
  expect(freeBytes).toBeGreaterThan(0);
  expect(engine).toBeUndefined();
});

test("files that would be written and are there are told, in a folder that is not there none", async () => {
  await using folder = await folderOf({ "nexus.yaml": "", ".nexus/tls/gateway.key": "" });
  const there = await observeTarget(nothing, { ...choices, directory: folder.path }, { catalog });
  expect(there.files).toEqual(["nexus.yaml", ".nexus/tls/gateway.key"]);
  const elsewhere = { ...choices, directory: `${folder.path}/not/there` };
  const free = await observeTarget(nothing, elsewhere, { catalog });
  expect(free.files).toEqual([]);
  expect(free.freeBytes).toBeGreaterThan(0);
});

test("services outside of the stack that do not answer are told", async () => {
  await using answering = await listening();
  const gone = await listening();
  await gone[Symbol.asyncDispose]();
  const mac = host("ai2", { live: true, os: "macos" });
  const services = [answering, gone].map(({ port }, index) =>
    service("mlx", "ai2", {
      name: `mlx-${String(index)}`,
      listens: { address: "127.0.0.1", port },
    }),
  );
  const { silent } = await observeTarget({ ...nothing, hosts: [mac], services }, choices, {
    catalog,
  });
  expect(silent).toEqual([`host.docker.internal:${String(gone.port)}`]);
});

test("the engine tells what a stack of that name has there", async () => {
  const engine = new InMemoryEngine();
  await engine.volumes.create({ name: "home-gateway", stack: "home", driverOpts: {}, labels: {} });
  await engine.volumes.create({ name: "other", driverOpts: {}, labels: {} });
  const target = await observeTarget(nothing, choices, { catalog, engine });
  expect(target.engine?.volumes).toEqual(["home-gateway"]);
  expect(target.engine?.containers).toEqual([]);
});
