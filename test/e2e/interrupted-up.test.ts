import { afterEach, expect, test } from "vitest";
import { containersOf, type StackFolder, stackFolder, until } from "../support/cli.ts";
import { belongingsOf } from "../support/kills.ts";

const store = (environment: string) => `
  store:
    image: nexus-test/scenario:1
    port: 9000
    provides: [chat]
    environment: { SCENARIO_MODELS: parrot, ${environment} }
    volumes: [data:/data]
volumes: { data: {} }
`;

let stack: StackFolder;
afterEach(async () => stack[Symbol.asyncDispose]());

type Report = Readonly<{ interrupted: boolean; services: { service: string; outcome: string }[] }>;

const isRunning = (container: string) => async () => {
  const all = await containersOf(stack.name, "store");
  return all.find(({ Name, State }) => Name === `/${stack.name}-${container}` && State.Running);
};

async function locks(): Promise<readonly string[]> {
  const { volumes } = await belongingsOf(stack.name);
  return volumes.filter((name) => name.includes("lock"));
}

/** Which container answers a client of the gateway: the scenario tells its host's name. */
async function answering(): Promise<string> {
  const response = await fetch(`${stack.api}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${stack.key()}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "parrot", messages: [{ role: "user", content: "who?" }] }),
  });
  return response.text();
}

test("of two `up` at once one wins; the other exits 5 naming it, waits when told to, and stops waiting on Ctrl-C", async () => {
  stack = await stackFolder(store("SCENARIO_READY_AFTER_MS: 6000"));
  const winner = stack.start(["up"]);
  await until("the winner has the lock", async () => (await locks()).length === 1);
  const patient = stack.start(["up", "--wait-lock", "120"]);
  const weary = stack.start(["up", "--wait-lock", "120"]);

  const { exitCode, document } = await stack.json<{ error: Record<string, unknown> }>("up");
  expect(document.error).toMatchObject({ code: "NEXUS_STACK_LOCKED", exit: 5 });
  expect(document.error["message"]).toMatch(new RegExp(`\`nexus up\` .*process ${winner.pid},`));
  expect(exitCode).toBe(5);

  weary.kill("SIGINT");
  expect((await weary).exitCode).toBe(130);
  expect((await winner).exitCode).toBe(0);
  expect((await patient).exitCode).toBe(0);
  expect(await belongingsOf(stack.name)).toEqual({
    containers: ["gateway-1 running unless-stopped", "store-1 running unless-stopped"],
    networks: [stack.name],
    volumes: [`${stack.name}-gateway`, `${stack.name}_data`],
  });
});

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s during a first `up` ends it with 130 and no lock; the next one goes on from there",
  async (signal) => {
    stack = await stackFolder(store("SCENARIO_READY_AFTER_MS: never"));
    const up = stack.start(["up", "--json"]);
    const begun = await until("the service runs", isRunning("store-1"));
    up.kill(signal);
    const { exitCode, stdout, stderr } = await up;

    expect(await locks()).toEqual([]);
    expect(JSON.parse(stdout)).toMatchObject({ interrupted: true } satisfies Partial<Report>);
    expect(stderr).toContain("Stopping");
    expect(exitCode).toBe(130);

    await stack.write(store("SCENARIO_READY_AFTER_MS: 10"));
    await stack.must("up");
    const [now, ...others] = await containersOf(stack.name, "store");
    expect([now?.State.Running, others]).toEqual([true, []]);
    expect(now?.Id).not.toBe(begun.Id);
  },
);

test("Ctrl-C in the middle of a stop-first replacement puts the old container back before it exits 130", async () => {
  stack = await stackFolder(store("SCENARIO_NAME: first"));
  await stack.must("up");
  const [old] = await containersOf(stack.name, "store");
  await stack.write(store("SCENARIO_READY_AFTER_MS: never"));

  const up = stack.start(["up"]);
  await until("the new one runs", isRunning("store-2"));
  up.kill("SIGINT");
  const { exitCode, stderr } = await up;

  const serving = await containersOf(stack.name, "store");
  expect(serving.map(({ Id, State }) => [Id, State.Running])).toEqual([[old?.Id, true]]);
  expect(await answering()).toContain(old?.Id.slice(0, 12));
  expect(stderr).not.toContain("This is a bug");
  expect(exitCode).toBe(130);
  expect(await locks()).toEqual([]);

  await stack.write(store("SCENARIO_NAME: second"));
  await stack.must("up");
  const [next] = await containersOf(stack.name, "store");
  expect(await answering()).toContain(next?.Id.slice(0, 12));
});
