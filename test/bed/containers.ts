/** Containers that a test of the bed starts by hand, straight through the Engine API. */
import { callEngine } from "./engine-http.ts";
import { socketPath } from "./places.ts";

/** What to run. */
export type ContainerWish = Readonly<{
  image: string;
  /** Port inside the container that `url` shall lead to. */
  port?: number;
  env?: readonly string[];
  binds?: readonly string[];
  memoryBytes?: number;
  gpus?: readonly string[];
}>;

/** A started container; disposing removes it with its anonymous volumes. */
export type StartedContainer = Readonly<{
  id: string;
  /** Where its port is published, without a trailing slash. */
  url: string;
  /** Waits for its end. */
  exitCode: () => Promise<number>;
  inspect: () => Promise<unknown>;
  [Symbol.asyncDispose]: () => Promise<void>;
}>;

/** Creates and starts a container on the engine at `engine`; the image must be there. */
export async function startContainer(
  wish: ContainerWish,
  engine = socketPath,
): Promise<StartedContainer> {
  const ask = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const { status, text } = await callEngine(engine, { method, path, body });
    if (status >= 400) throw new Error(`${method} ${path}: ${status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  };
  const id = String(member(await ask("POST", "/containers/create", requestFor(wish)), "Id"));
  await ask("POST", `/containers/${id}/start`);
  const inspect = async () => ask("GET", `/containers/${id}/json`);
  return {
    id,
    url: `http://127.0.0.1:${publishedPort(await inspect(), wish.port)}`,
    exitCode: async () => Number(member(await ask("POST", `/containers/${id}/wait`), "StatusCode")),
    inspect,
    [Symbol.asyncDispose]: async () => {
      await ask("DELETE", `/containers/${id}?force=true&v=true`);
    },
  };
}

/** A member of a JSON document by its path; undefined where the path leads nowhere. */
export function member(document: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined,
    document,
  );
}

function requestFor(wish: ContainerWish): unknown {
  const port = `${wish.port}/tcp`;
  const publishing =
    wish.port === undefined ? {} : { PortBindings: { [port]: [{ HostIp: "127.0.0.1" }] } };
  return {
    Image: wish.image,
    Env: wish.env ?? [],
    ...(wish.port === undefined ? {} : { ExposedPorts: { [port]: {} } }),
    HostConfig: {
      ...publishing,
      Init: true,
      Binds: wish.binds ?? [],
      Memory: wish.memoryBytes ?? 0,
      MemorySwap: wish.memoryBytes ?? 0,
      DeviceRequests:
        wish.gpus === undefined
          ? []
          : [{ Driver: "nvidia", DeviceIDs: wish.gpus, Capabilities: [["gpu"]] }],
    },
  };
}

function publishedPort(inspected: unknown, port: number | undefined): string {
  return String(member(inspected, "NetworkSettings", "Ports", `${port}/tcp`, "0", "HostPort"));
}
