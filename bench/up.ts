/** `nexus up` against the floor: the same network, containers and starts sent straight to the Engine API. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { markdownTable, median, repeat } from "./measure.ts";

const nexus = fileURLToPath(new URL("../bin/run.js", import.meta.url));
const socketPath = (process.env["DOCKER_HOST"] ?? "unix:///var/run/docker.sock").replace(
  "unix://",
  "",
);
const image = "nexus-test/pause:1";
const width = 8;

/** Sizes measured, and rounds per size. */
const sizes: readonly Readonly<{ services: number; rounds: number }>[] = [
  { services: 1, rounds: 5 },
  { services: 5, rounds: 5 },
  { services: 20, rounds: 3 },
  { services: 50, rounds: 3 },
];

/** Measures every size; images are present before anything is timed. */
export async function benchUp(): Promise<string> {
  const rows: string[][] = [];
  for (const { services, rounds } of sizes) {
    const pairs = await repeat(rounds, () => measurePair(services));
    const up = median(pairs.map((pair) => pair.up));
    const floor = median(pairs.map((pair) => pair.floor));
    const again = median(pairs.map((pair) => pair.again));
    rows.push([
      String(services),
      seconds(up),
      seconds(floor),
      `${(up / floor).toFixed(2)} ×`,
      `${again.toFixed(0)} ms`,
    ]);
  }
  return markdownTable(
    ["services (and the gateway)", "`nexus up`", "floor", "ratio", "`nexus up` again"],
    rows,
  );
}

const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(2)} s`;

async function measurePair(
  services: number,
): Promise<Readonly<{ up: number; again: number; floor: number }>> {
  const cwd = await mkdtemp(join(tmpdir(), "nexus-bench-"));
  const names = Array.from({ length: services }, (_, index) => `s${index}`);
  const lines = names.map((name) => `  ${name}: { image: ${image} }`);
  await writeFile(join(cwd, "nexus.yaml"), `name: bench-up\nservices:\n${lines.join("\n")}\n`);
  const run = (...words: string[]) => execa(process.execPath, [nexus, ...words], { cwd });
  const up = await timed(() => run("up"));
  const again = await timed(() => run("up"));
  const gatewayImage = await imageOfGateway();
  await run("down", "--volumes", "--yes");
  const floor = await measureFloor(names, gatewayImage);
  await rm(cwd, { recursive: true });
  return { up, again, floor };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const since = performance.now();
  await work();
  return performance.now() - since;
}

/** The least that has to happen: one network, then create and start in one pipeline, then the gateway answers. */
async function measureFloor(names: readonly string[], gatewayImage: string): Promise<number> {
  const created: string[] = [];
  const since = performance.now();
  const { Id: network } = await engine("POST", "/networks/create", { Name: "bench-floor" });
  const launch = async (name: string, body: Readonly<Record<string, unknown>>): Promise<void> => {
    const { Id: id } = await engine("POST", `/containers/create?name=bench-floor-${name}`, body);
    created.push(String(id));
    await engine("POST", `/containers/${String(id)}/start`);
  };
  const HostConfig = { NetworkMode: network };
  const queue = [
    () => launch("gateway", gatewayBody(gatewayImage, String(network))),
    ...names.map((name) => () => launch(name, { Image: image, HostConfig })),
  ];
  await Promise.all(Array.from({ length: width }, () => drainQueue(queue)));
  await answers("http://127.0.0.1:8801/health");
  const took = performance.now() - since;
  await Promise.all(created.map((id) => engine("DELETE", `/containers/${id}?force=true&v=true`)));
  await engine("DELETE", `/networks/${String(network)}`);
  return took;
}

function gatewayBody(Image: string, NetworkMode: string): Readonly<Record<string, unknown>> {
  const port = (number: number) => [{ HostIp: "127.0.0.1", HostPort: String(number) }];
  return {
    Image,
    HostConfig: { NetworkMode, PortBindings: { "8800/tcp": port(8800), "8801/tcp": port(8801) } },
  };
}

async function drainQueue(queue: (() => Promise<void>)[]): Promise<void> {
  for (let work = queue.shift(); work; work = queue.shift()) await work();
}

async function answers(url: string): Promise<void> {
  for (;;) {
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function imageOfGateway(): Promise<string> {
  const filters = encodeURIComponent(JSON.stringify({ label: ["io.nexus.role=gateway"] }));
  const [gateway] = (await engine("GET", `/containers/json?filters=${filters}`)) as unknown as {
    Image: string;
  }[];
  return gateway?.Image ?? "";
}

function engine(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>();
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  const call = httpRequest({ socketPath, method, path: `/v1.41${path}`, headers }, (response) => {
    let text = "";
    response.on("data", (chunk: Buffer) => (text += chunk.toString()));
    response.on("end", () => {
      if ((response.statusCode ?? 500) >= 400) reject(new Error(`${method} ${path}: ${text}`));
      else resolve(text ? (JSON.parse(text) as Record<string, unknown>) : {});
    });
  });
  call.on("error", reject);
  call.end(body === undefined ? undefined : JSON.stringify(body));
  return promise;
}
