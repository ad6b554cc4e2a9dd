/** What is compared: the built gateway, nginx as a plain reverse proxy, and Portkey's gateway. Each is a plain process. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { gatewayFlags } from "../../src/apply/gateway-image.ts";
import { gatewayConfigSchema } from "../../src/gateway/config.ts";
import { mintKey } from "../../src/gateway/protocol.ts";
import type { Target } from "./client.ts";
import { answers, childrenOf, freePort, stop, until } from "./processes.ts";

/** Something that stands between a client and the upstream. */
export type Peer = Readonly<{
  name: string;
  target: Target;
  /** The processes whose CPU and memory count. */
  pids: () => readonly number[];
  stop: () => Promise<void>;
}>;

const bundle = fileURLToPath(new URL("../../dist/gateway.mjs", import.meta.url));
const firstBody = JSON.stringify({ model: "small", messages: [] });

/** Starts the gateway from its bundle, with one key and the upstream; `startedMs` is from spawn to its first answer. */
export async function startNexus(
  upstreamPort: number,
  nodeOptions: readonly string[] = [],
): Promise<Peer & Readonly<{ startedMs: number; observabilityPort: number }>> {
  const data = await mkdtemp(join(tmpdir(), "nexus-bench-gateway-"));
  const key = await writeConfiguration(data, upstreamPort);
  const [port, observabilityPort] = [await freePort(), await freePort()];
  // The first question of all loads what this process asks with.
  await answers(`http://127.0.0.1:${port}/health`);
  const since = performance.now();
  const child = spawn(process.execPath, [...gatewayFlags, ...nodeOptions, bundle], {
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      ...process.env,
      NEXUS_GATEWAY_DATA: data,
      NEXUS_GATEWAY_SOCKET: join(data, "control.sock"),
      NEXUS_GATEWAY_HOST: "127.0.0.1",
      NEXUS_GATEWAY_API_PORT: String(port),
      NEXUS_GATEWAY_OBSERVABILITY_PORT: String(observabilityPort),
    },
  });
  await until(() => answers(`http://127.0.0.1:${port}/health`), "The gateway's start");
  const startedMs = performance.now() - since;
  const target = { port, headers: { authorization: `Bearer ${key}` } };
  await untilServing(target);
  const end = async () => {
    await stop(child);
    await rm(data, { recursive: true });
  };
  return {
    name: "nexus",
    target,
    pids: () => pidOf(child),
    stop: end,
    startedMs,
    observabilityPort,
  };
}

async function writeConfiguration(data: string, upstreamPort: number): Promise<string> {
  const upstream = {
    id: "bench",
    url: `http://127.0.0.1:${upstreamPort}`,
    provides: ["chat"],
    probe: { path: "/v1/models" },
  };
  const config = gatewayConfigSchema.parse({ version: 1, stack: "bench", upstreams: [upstream] });
  const { key, record } = mintKey({ name: "bench", scopes: ["inference"] }, new Date());
  await writeFile(join(data, "config.json"), JSON.stringify(config));
  await writeFile(join(data, "keys.json"), JSON.stringify({ version: 1, keys: [record] }));
  return key;
}

/** Starts nginx with one worker; undefined where it is not installed. */
export async function startNginx(upstreamPort: number): Promise<Peer | undefined> {
  const { stdout: program, failed } = await execa("sh", ["-c", "command -v nginx"], {
    reject: false,
  });
  if (failed) return undefined;
  const folder = await mkdtemp(join(tmpdir(), "nexus-bench-nginx-"));
  await mkdir(join(folder, "logs"));
  const port = await freePort();
  const file = join(folder, "nginx.conf");
  await writeFile(file, nginxConfiguration(folder, port, upstreamPort));
  const child = spawn(program, ["-p", folder, "-c", file], { stdio: "ignore" });
  const target = { port, headers: {} };
  await untilServing(target);
  const end = async () => {
    await stop(child);
    await rm(folder, { recursive: true });
  };
  return { name: "nginx", target, pids: () => childrenOf(child.pid ?? 0), stop: end };
}

function nginxConfiguration(folder: string, port: number, upstreamPort: number): string {
  return `
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 16384; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  client_max_body_size 64m;
  client_body_buffer_size 64m;
  keepalive_requests 10000000;
  upstream bench { server 127.0.0.1:${upstreamPort}; keepalive 5000; keepalive_requests 10000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://bench;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 1h;
    }
  }
}
`;
}

/** Installs Portkey's gateway into a temporary folder with npm and starts it, its upstream named as its documentation says. */
export async function startPortkey(upstreamPort: number): Promise<Peer | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "nexus-bench-portkey-"));
  await writeFile(join(folder, "package.json"), '{"private":true}');
  const install = ["install", "@portkey-ai/gateway", "--no-audit", "--no-fund", "--ignore-scripts"];
  const installed = await execa("npm", install, { cwd: folder, reject: false });
  if (installed.failed) return undefined;
  const port = await freePort();
  const program = join(folder, "node_modules/@portkey-ai/gateway/build/start-server.js");
  const child = spawn(process.execPath, [program, `--port=${port}`, "--headless"], {
    stdio: "ignore",
    cwd: folder,
    env: { ...process.env, NODE_ENV: "production" },
  });
  const headers = {
    authorization: "Bearer none",
    "x-portkey-provider": "openai",
    "x-portkey-custom-host": `http://127.0.0.1:${upstreamPort}/v1`,
  };
  const target = { port, headers };
  await untilServing(target);
  const end = async () => {
    await stop(child);
    await rm(folder, { recursive: true });
  };
  return { name: "portkey", target, pids: () => pidOf(child), stop: end };
}

/** The way without anything between. */
export function direct(upstreamPort: number): Target {
  return { port: upstreamPort, headers: {} };
}

function pidOf(child: ChildProcess): number[] {
  return child.pid === undefined ? [] : [child.pid];
}

function untilServing({ port, headers }: Target): Promise<void> {
  const init = { method: "POST", headers, body: firstBody };
  const url = `http://127.0.0.1:${port}/v1/chat/completions`;
  const json = { "content-type": "application/json" };
  return until(() => answers(url, { ...init, headers: { ...json, ...headers } }), "A first answer");
}
