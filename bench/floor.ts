/** The least that has to happen to have the containers of a stack: straight to the Engine API, eight calls in flight. */
import { randomUUID } from "node:crypto";
import { request } from "node:http";
import { createServer } from "node:net";

const socketPath = (process.env["DOCKER_HOST"] ?? "unix:///var/run/docker.sock").replace(
  "unix://",
  "",
);
const width = 8;

/** The services of a floor: so many containers of one image, with HTTP on a port or without. */
export type Services = Readonly<{ count: number; image: string; port?: number }>;

/**
 * Creates one network, then creates and starts the gateway and the services, until the gateway answers `/health` and every
 * service with a port answers `/readyz`. Resolves with the milliseconds that took; removes everything again.
 */
export async function measureFloor(services: Services, gatewayImage: string): Promise<number> {
  const name = `bench-floor-${randomUUID().slice(0, 8)}`;
  const port = await freePort();
  const created: string[] = [];
  const since = performance.now();
  const { Id } = await engine("POST", "/networks/create", { Name: name });
  try {
    await launchAll({ name, network: String(Id), port, created }, services, gatewayImage);
    return performance.now() - since;
  } finally {
    await Promise.all(created.map((id) => engine("DELETE", `/containers/${id}?force=true&v=true`)));
    await engine("DELETE", `/networks/${String(Id)}`);
  }
}

type Place = Readonly<{ name: string; network: string; port: number; created: string[] }>;

async function launchAll(place: Place, services: Services, gatewayImage: string): Promise<void> {
  const HostConfig = { NetworkMode: place.network };
  const service = { Image: services.image, HostConfig };
  const answering: Promise<void>[] = [];
  const gateway = async () => {
    await launch(place, "gateway", gatewayBody(gatewayImage, place));
    answering.push(answers(`http://127.0.0.1:${place.port}/health`));
  };
  const others = Array.from({ length: services.count }, (_, index) => async () => {
    const id = await launch(place, `s${index}`, service);
    if (services.port !== undefined) answering.push(answersInside(id, services.port));
  });
  const queue = [gateway, ...others];
  await Promise.all(Array.from({ length: width }, () => drain(queue)));
  await Promise.all(answering);
}

async function launch(
  { name, created }: Place,
  service: string,
  body: Readonly<Record<string, unknown>>,
): Promise<string> {
  const { Id } = await engine("POST", `/containers/create?name=${name}-${service}`, body);
  const id = String(Id);
  created.push(id);
  await engine("POST", `/containers/${id}/start`);
  return id;
}

/** The image that the running gateways were made from. */
export async function imageOfGateway(stack: string): Promise<string> {
  const label = ["io.nexus.role=gateway", `io.nexus.stack=${stack}`];
  const filters = encodeURIComponent(JSON.stringify({ label }));
  const [gateway] = (await engine("GET", `/containers/json?filters=${filters}`)) as unknown as {
    Image: string;
  }[];
  if (!gateway) throw new Error(`The stack ${stack} has no gateway.`);
  return gateway.Image;
}

function gatewayBody(Image: string, { network, port }: Place): Record<string, unknown> {
  const PortBindings = { "8800/tcp": [{ HostIp: "127.0.0.1", HostPort: String(port) }] };
  return {
    Image,
    ExposedPorts: { "8800/tcp": {} },
    HostConfig: { NetworkMode: network, PortBindings },
  };
}

async function drain(queue: (() => Promise<void>)[]): Promise<void> {
  for (let work = queue.shift(); work; work = queue.shift()) await work();
}

async function answersInside(id: string, port: number): Promise<void> {
  const { NetworkSettings } = (await engine("GET", `/containers/${id}/json`)) as {
    NetworkSettings: { Networks: Record<string, { IPAddress: string }> };
  };
  const [network] = Object.values(NetworkSettings.Networks);
  await answers(`http://${network?.IPAddress}:${port}/readyz`);
}

async function answers(url: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await answersOnce(url))) {
    if (performance.now() > deadline) throw new Error(`${url} does not answer.`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function answersOnce(url: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const call = request(url, { agent: false }, (response) => {
    response.resume();
    resolve(response.statusCode === 200);
  });
  call.on("error", () => resolve(false)).end();
  return promise;
}

function freePort(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address();
    server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
  });
  return promise;
}

function engine(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>();
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  const call = request({ socketPath, method, path: `/v1.41${path}`, headers }, (response) => {
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
