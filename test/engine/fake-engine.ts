/** A few words of the Engine API, to answer what a real engine cannot be made to. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { openDockerEngine } from "../../src/engine/docker/docker-engine.ts";
import type { Engine } from "../../src/engine/engine.ts";

/** Answers a call; `undefined` leaves it to the fake's own answers. */
export type Answer = (call: string, request: IncomingMessage, response: ServerResponse) => boolean;

/** A fake engine on a unix socket, and every call it got. */
export type FakeEngine = AsyncDisposable &
  Readonly<{
    socketPath: string;
    calls: readonly string[];
    connect: (stallMs?: number) => Promise<Engine>;
  }>;

/** A listener with the fake's own answers: API 1.41, Linux on amd64, no images. */
export function engineListener(answer: Answer, calls: string[] = []): RequestListener {
  return (request, response) => {
    const call = `${request.method} ${(request.url ?? "").replace(/^\/v[\d.]+/, "")}`;
    calls.push(call);
    if (answer(call, request, response)) return;
    response.setHeader("Api-Version", "1.41");
    if (call === "GET /_ping") response.end("OK");
    else if (call === "GET /info")
      response.end(JSON.stringify({ OSType: "linux", Architecture: "x86_64" }));
    else response.writeHead(404).end(JSON.stringify({ message: `page not found: ${call}` }));
  };
}

/** Starts a fake engine on a unix socket. */
export async function startFakeEngine(answer: Answer): Promise<FakeEngine> {
  const folder = await mkdtemp(path.join(tmpdir(), "nexus-fake-"));
  const socketPath = path.join(folder, "docker.sock");
  const calls: string[] = [];
  const server = await listen(createServer(engineListener(answer, calls)), socketPath);
  return {
    socketPath,
    calls,
    connect: async (stallMs = 100) =>
      openDockerEngine({
        endpoint: {
          address: { kind: "unix", path: socketPath },
          url: `unix://${socketPath}`,
          source: "test",
          warnings: [],
        },
        configuration: {},
        environment: process.env,
        alternatives: async () => [],
        stallMs,
      }),
    [Symbol.asyncDispose]: async () => {
      await close(server);
      await rm(folder, { recursive: true });
    },
  };
}

/** Starts a fake engine behind TLS on loopback; resolves with its port. */
export async function startTlsEngine(
  material: Readonly<{ cert: Buffer; key: Buffer; ca?: Buffer }>,
): Promise<AsyncDisposable & Readonly<{ port: number }>> {
  const options = { ...material, requestCert: material.ca !== undefined };
  const server = await listen(
    https.createServer(
      options,
      engineListener(() => false),
    ),
    0,
  );
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not on a port");
  return { port: address.port, [Symbol.asyncDispose]: async () => close(server) };
}

async function listen<Kind extends Server | https.Server>(
  server: Kind,
  at: string | number,
): Promise<Kind> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (typeof at === "number") server.listen(at, "127.0.0.1", resolve);
  else server.listen(at, resolve);
  await promise;
  return server;
}

async function close(server: Server | https.Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.closeAllConnections();
  server.close(() => resolve());
  await promise;
}
