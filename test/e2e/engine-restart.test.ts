import { afterAll, beforeAll, expect, test } from "vitest";
import { type PrivateEngine, startSecondEngine } from "../bed/bed.ts";
import { engine, inspectStack, type StackFolder, stackFolder, until } from "../support/cli.ts";
import { belongingsOf } from "../support/kills.ts";

const services = (name: string) => `
  store:
    image: nexus-test/scenario:1
    port: 9000
    provides: [chat]
    environment: { SCENARIO_NAME: ${name}, SCENARIO_READY_AFTER_MS: 5000 }
    volumes: [data:/data]
  page: { image: nexus-test/web:1, port: 9000, provides: [tool], depends_on: [store] }
volumes: { data: {} }
`;

let own: PrivateEngine;
let stack: StackFolder;
beforeAll(async () => {
  own = await startSecondEngine();
  stack = await stackFolder(services("first"), {
    environment: { DOCKER_HOST: own.dockerHost },
    socketPath: own.socketPath,
  });
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await own[Symbol.asyncDispose]();
});

/** Also those without a label, such as the ones in which an image is built. */
async function everyImage(): Promise<readonly string[]> {
  const all = await engine<readonly { Image: string; Command: string }[]>(
    "/containers/json?all=true",
    { socketPath: own.socketPath },
  );
  return all.map(({ Image, Command }) => `${Image} ${Command}`);
}

test.each([
  ["restarts during a first `up`", "SIGTERM", "first", "store-1"],
  ["crashes during a replacement", "SIGKILL", "second", "store-2"],
] as const)(
  "when the engine %s, `up` waits for it and finishes; nothing is left over and status agrees",
  async (_, signal, name, container) => {
    await stack.write(services(name));
    const up = stack.start(["up"]);
    await until(
      "gateway and service come up",
      async () => {
        const all = await inspectStack(stack.name, own.socketPath);
        const running = all.filter(({ State }) => State.Running).map(({ Name }) => Name);
        return [container, "gateway-1"].every((end) => running.some((each) => each.endsWith(end)));
      },
      90_000,
    );
    await own.stop(signal);
    await own.start();
    const { exitCode, stderr } = await up;

    const belongings = await belongingsOf(stack.name, own.socketPath);
    expect({ ...belongings, stderr: exitCode === 0 ? "" : stderr }).toEqual({
      containers: [
        "gateway-1 running unless-stopped",
        "page-1 running unless-stopped",
        `${container} running unless-stopped`,
      ],
      networks: [stack.name],
      volumes: [`${stack.name}-gateway`, `${stack.name}_data`],
      stderr: "",
    });
    expect(await everyImage()).toHaveLength(3);
    const status = await stack.json<{ services: { state: string }[] }>("status");
    expect(status.document.services.map(({ state }) => state)).toEqual(["ready", "ready", "ready"]);
  },
);
