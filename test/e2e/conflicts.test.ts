import { createServer } from "node:net";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { StackStatus } from "../../src/apply/stack-status.ts";
import type { ChangeDocument } from "../../src/changing-command.ts";
import {
  engine,
  inspectStack,
  readIn,
  type StackFolder,
  stackFolder,
  writeIn,
} from "../support/cli.ts";
import { failure } from "../support/failures.ts";

const web = "image: nexus-test/web:1, port: 9000";

let stack: StackFolder;
let other: StackFolder;

beforeAll(async () => {
  [stack, other] = await Promise.all([
    stackFolder(`  web: { ${web}, volumes: ["data:/data"] }\n`),
    stackFolder(`  web: { ${web} }\n`),
  ]);
  await other.must("up");
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

test("a foreign container with the name that is needed is shown, not touched", async () => {
  const name = `${stack.name}-web-1`;
  await using squatter = await foreignContainer(name);

  expect(await failure(stack, ["up"])).toMatchObject({
    exitCode: 6,
    code: "NEXUS_NAME_CONFLICT",
    message: expect.stringMatching(`The name ${name} is taken by the stopped container ${name}`),
    remedy: expect.stringContaining(`docker rename ${name}`),
  });
  expect(await engine(`/containers/${squatter.id}/json`)).toMatchObject({ Name: `/${name}` });
  expect(await inspectStack(stack.name)).toEqual([]);
});

test("a foreign network with the stack's name is not joined", async () => {
  await using network = await foreign("/networks", { Name: stack.name });

  expect(await failure(stack, ["up"])).toMatchObject({
    exitCode: 6,
    code: "NEXUS_NETWORK_CONFLICT",
    message: `The network ${stack.name} is there already and is not Nexus's.`,
    remedy: expect.stringContaining("`name:`"),
  });
  expect(await engine(`/networks/${network.id}`)).toMatchObject({ Labels: {} });
});

test("a volume of another stack is not mounted, and its owner is named", async () => {
  const Name = `${stack.name}_data`;
  const Labels = { "io.nexus.stack": "theirs" };
  await using volume = await foreign("/volumes", { Name, Labels });

  expect(await failure(stack, ["up"])).toMatchObject({
    exitCode: 6,
    code: "NEXUS_VOLUME_CONFLICT",
    message: `The volume ${Name} is there already and belongs to stack theirs.`,
    remedy: expect.stringContaining("external: true"),
  });
  expect(await engine(`/volumes/${volume.id}`)).toMatchObject({ Labels });
});

test("two stacks cannot have one gateway port: the second is told whose it is", async () => {
  const port = new URL(other.api).port;
  const own = await readIn(stack, "nexus.yaml");
  await writeIn(stack, "nexus.yaml", own.replace(/port: \d+/, `port: ${port}`));

  expect(await failure(stack, ["up"])).toMatchObject({
    exitCode: 6,
    code: "NEXUS_PORT_CONFLICT",
    message: `gateway wants port 127.0.0.1:${port}, but the running container ${other.name}-gateway-1 of ${other.name} (image ${await gatewayImage()}) publishes it.`,
    remedy: expect.stringContaining("`gateway.port`"),
  });
  expect((await other.json<StackStatus>("status")).exitCode).toBe(0);
});

test("a port that another container publishes is told with that container", async () => {
  const port = new URL(other.observability).port;
  await stack.write(`  web: { ${web}, ports: ["${port}:9000"] }\n`);

  expect(await failure(stack, ["up"])).toMatchObject({
    exitCode: 6,
    code: "NEXUS_PORT_CONFLICT",
    message: expect.stringContaining(`web wants port 127.0.0.1:${port}`),
    remedy: expect.stringContaining("services.web.ports"),
  });
});

test("ports that processes of this machine hold are told with process and command; what is mended comes up", async () => {
  await using held = await heldPort();
  await stack.write(`  web: { ${web}, ports: ["${held.port}:9000"] }\n  fine: { ${web} }\n`);
  const { exitCode, document } = await stack.json<ChangeDocument>("up");

  expect(exitCode).toBe(6);
  const failed = document.services.filter((service) => service.failure !== undefined);
  expect(failed).toMatchObject([{ service: "web", outcome: "failed" }]);
  expect(failed[0]?.failure).toMatchObject({
    cause: { kind: "engine", code: "NEXUS_PORT_TAKEN", exit: 6 },
    message: expect.stringMatching(
      `Port ${held.port} on 127.0.0.1 is already used by process ${process.pid} \\(.*\\)`,
    ),
    remedy: expect.stringContaining("Choose another port in nexus.yaml"),
  });
  expect(document.services.find(({ service }) => service === "fine")?.outcome).toBe("ready");
  const status = await stack.json<StackStatus>("status");
  expect(status.exitCode).toBe(4);
  expect(status.document.services.filter(({ atLevel }) => !atLevel)).toMatchObject([
    { service: "web", remedy: expect.any(String) },
  ]);

  await held[Symbol.asyncDispose]();
  await stack.must("up");
  expect((await stack.json<StackStatus>("status")).exitCode).toBe(0);
});

test("a gateway port that a process holds is told the same way, and nothing claims to serve", async () => {
  await stack.must("down", "--yes");
  await using held = await heldPort();
  const own = await readIn(stack, "nexus.yaml");
  await writeIn(stack, "nexus.yaml", own.replace(/port: \d+/, `port: ${held.port}`));
  const { exitCode, document } = await stack.json<ChangeDocument>("up");

  expect(exitCode).toBe(6);
  expect(document.services.find(({ service }) => service === "gateway")).toMatchObject({
    outcome: "failed",
    failure: {
      cause: { kind: "engine", code: "NEXUS_PORT_TAKEN" },
      message: expect.stringContaining(`process ${process.pid}`),
    },
  });
  expect(document.services.filter(({ outcome }) => outcome === "ready")).toEqual([]);
});

async function gatewayImage(): Promise<string | undefined> {
  const all = await inspectStack(other.name);
  return all.find(({ Name }) => Name.includes("-gateway-"))?.Config.Image;
}

/** A container of somebody else's, made and not started. */
async function foreignContainer(name: string) {
  const { Id } = await engine<{ Id: string }>(`/containers/create?name=${name}`, {
    method: "POST",
    body: { Image: "nexus-test/web:1" },
  });
  return {
    id: Id,
    [Symbol.asyncDispose]: () => engine<void>(`/containers/${Id}?force=true`, { method: "DELETE" }),
  };
}

/** A network or volume that Nexus did not make for this stack. */
async function foreign(
  kind: "/networks" | "/volumes",
  body: Readonly<{ Name: string; Labels?: object }>,
) {
  await engine(`${kind}/create`, { method: "POST", body });
  return {
    id: body.Name,
    [Symbol.asyncDispose]: () => engine<void>(`${kind}/${body.Name}`, { method: "DELETE" }),
  };
}

/** A port that this process listens on until it is disposed of. */
async function heldPort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const close = Promise.withResolvers<void>();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    [Symbol.asyncDispose]: () => {
      server.close(() => close.resolve());
      return close.promise;
    },
  };
}
