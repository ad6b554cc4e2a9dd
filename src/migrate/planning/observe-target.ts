/** Looks at what is already there where a stack is to be; changes nothing. */
import { stat, statfs } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { dirname, join } from "node:path";
import type { Catalog } from "../../catalog/catalog.ts";
import type { Machine } from "../../catalog/machine.ts";
import type { Engine, Observed } from "../../engine/engine.ts";
import { gatewayVolume } from "../../plan/names.ts";
import type { Inventory } from "../inventory.ts";
import type { Choices, Target } from "../migration-plan.ts";
import { modelToken } from "./container-keys.ts";
import { outsideAddresses } from "./external-place.ts";
import { tlsFiles } from "./plan-gateway.ts";

/** What is known of the machine that containers run on, as far as it could be asked. */
export type Around = Readonly<{ engine?: Engine; machine?: Machine; catalog: Catalog }>;

/** What a look at the engine gives. */
type EngineLook = Readonly<{ engine: NonNullable<Target["engine"]>; observed: Observed }>;

/** How many ports behind a wanted one are looked at. */
const portsAhead = 30;
const answerMs = 1500;

/** Observes the target. */
export async function observeTarget(
  inventory: Inventory,
  choices: Choices,
  { engine, machine, catalog }: Around,
): Promise<Target> {
  const look = engine && (await lookAtEngine(engine, choices.stack));
  const [files, ports, freeBytes] = await Promise.all([
    filesThere(choices),
    heldPorts(inventory, choices, look?.observed),
    freeAt(choices.directory),
  ]);
  const scene = {
    inventory,
    choices,
    catalog,
    target: { files, ports, ...(machine && { machine }) },
  };
  const silent = await silentOnes(outsideAddresses(scene));
  return {
    ...scene.target,
    ...(look && { engine: look.engine }),
    ...(freeBytes !== undefined && { freeBytes }),
    silent,
  };
}

async function lookAtEngine(engine: Engine, stack: string): Promise<EngineLook> {
  const [observed, { local, virtualMachine, rootDir }] = await Promise.all([
    engine.observe(stack, []),
    engine.describe(),
  ]);
  const isOurs = local && !virtualMachine;
  const freeBytes = isOurs ? await freeAt(rootDir) : undefined;
  const volumes = observed.volumes.filter(
    (volume) => volume.stack === stack || volume.name === gatewayVolume(stack),
  );
  return {
    observed,
    engine: {
      volumes: volumes.map(({ name }) => name),
      containers: observed.containers.map(({ name }) => name),
      local: isOurs,
      ...(freeBytes !== undefined && { freeBytes }),
    },
  };
}

async function filesThere({ directory, output }: Choices): Promise<readonly string[]> {
  const paths = [output, tlsFiles.cert, tlsFiles.key, `.nexus/secrets/${modelToken.name}`];
  const there = await Promise.all(
    paths.map(async (path) =>
      stat(join(directory, path)).then(
        () => path,
        () => [],
      ),
    ),
  );
  return there.flat();
}

/** Free bytes where a path is, or will be; undefined where nobody can tell. */
export async function freeAt(path: string): Promise<number | undefined> {
  const free = await statfs(path).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => undefined,
  );
  const parent = dirname(path);
  return free ?? (parent === path ? undefined : freeAt(parent));
}

async function heldPorts(
  inventory: Inventory,
  { gatewayPort }: Choices,
  observed: Observed | undefined,
): Promise<Target["ports"]> {
  const { gateway } = inventory;
  const wanted = [
    gatewayPort ?? gateway?.listens.port ?? 8800,
    gateway?.observability?.port ?? 8801,
  ];
  const all = wanted.flatMap((port) =>
    Array.from({ length: portsAhead }, (_, ahead) => port + ahead),
  );
  const own = oldPorts(inventory);
  const held = await Promise.all(
    [...new Set(all)]
      .filter((port) => port <= 65_535)
      .map(async (port) => {
        const container = holderOf(port, observed);
        if (container === undefined && !(await isHeld(port))) return [];
        const heldBy = container ?? own.get(port);
        return [{ port, ...(heldBy !== undefined && { heldBy }) }];
      }),
  );
  return held.flat();
}

function holderOf(port: number, observed: Observed | undefined): string | undefined {
  return observed?.foreign.find(
    ({ running, ports }) => running && ports.some(({ hostPort }) => hostPort === port),
  )?.name;
}

/** What of the old installation listens on this very machine. */
function oldPorts({ gateway, services, hosts }: Inventory): ReadonlyMap<number, string> {
  const live = hosts.filter((host) => host.live).map(({ name }) => name);
  const ofServices = services
    .filter(({ host }) => live.includes(host))
    .map(({ listens, name }) => [listens?.port ?? 0, `the old ${name}`] as const);
  const ofGateway =
    gateway && live.includes(gateway.host)
      ? [gateway.listens.port, gateway.observability?.port ?? 0].map(
          (port) => [port, "the old gateway"] as const,
        )
      : [];
  return new Map([...ofServices, ...ofGateway]);
}

/** Whether something listens on a port of this machine. Where a port needs rights to listen on, only an answer tells. */
async function isHeld(port: number): Promise<boolean> {
  return (await answers("127.0.0.1", port)) || (await isInUse(port));
}

async function isInUse(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once("error", (error) => {
    resolve("code" in error && error.code === "EADDRINUSE");
  });
  server.listen({ port, host: "0.0.0.0", exclusive: true }, () => {
    server.close(() => {
      resolve(false);
    });
  });
  return promise;
}

async function answers(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host, port });
  socket.setTimeout(answerMs);
  socket.once("connect", () => {
    resolve(true);
  });
  for (const event of ["timeout", "error"])
    socket.once(event, () => {
      resolve(false);
    });
  const open = await promise;
  socket.destroy();
  return open;
}

/** Those that nobody answers at; the name that containers have for this machine means this machine. */
async function silentOnes(addresses: readonly string[]): Promise<readonly string[]> {
  const asked = await Promise.all(
    addresses.map(async (address) => {
      const { hostname, port } = new URL(`http://${address}`);
      const host = hostname === "host.docker.internal" ? "127.0.0.1" : hostname;
      const plain = host.replace(/^\[(.*)\]$/, "$1");
      return (await answers(plain, Number(port === "" ? 80 : port))) ? [] : [address];
    }),
  );
  return asked.flat();
}
