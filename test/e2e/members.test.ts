import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  containersOf,
  engine,
  identities,
  inspectStack,
  services,
  type StackFolder,
  stackFolder,
  writeIn,
} from "../support/cli.ts";
import { ask, askContainer } from "../support/traffic.ts";

const scenario = { image: "nexus-test/scenario:1", port: 9000, provides: ["chat"] };
/** A job: no port, never restarted, done when it exits 0. */
const migrate = {
  image: "nexus-test/scenario:1",
  restart: "no",
  environment: { SCENARIO_CRASH_AFTER_MS: 300, SCENARIO_CRASH_CODE: 0, RELEASE: "1" },
};
const store = { ...scenario, environment: { SCENARIO_READY_AFTER_MS: 300, SCENARIO_MODELS: "s" } };
const app = {
  ...scenario,
  depends_on: { migrate: { condition: "service_completed_successfully" }, store: {} },
};
const extra = { ...scenario, profiles: ["more"], environment: { SCENARIO_MODELS: "extra" } };
/** Built from the folder; what it serves is a file of the folder. */
const page = { build: "./page", port: 9000, provides: ["ui"], read_only: true };

let stack: StackFolder;
let elsewhere: Server;

beforeAll(async () => {
  elsewhere = await startElsewhere();
  stack = await stackFolder("");
  await writePage("first edition");
  await stack.write(services({ app, migrate, store, extra, page, remote: remote() }));
  await stack.must("up");
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  elsewhere.close();
  for (const tag of await builtImages())
    await engine(`/images/${tag}?force=true`, { method: "DELETE" });
});

test("a service starts when what it depends on is ready, or done", async () => {
  const [job] = await containersOf(stack.name, "migrate");
  const [started] = await containersOf(stack.name, "app");
  const [dependency] = await containersOf(stack.name, "store");
  const finished = job && Date.parse(job.State.FinishedAt);
  expect(job?.State).toMatchObject({ Status: "exited", ExitCode: 0 });
  expect(Date.parse(started?.State.StartedAt ?? "")).toBeGreaterThan(finished ?? Infinity);
  const readyAfter = Date.parse(dependency?.State.StartedAt ?? "") + 300;
  expect(Date.parse(started?.State.StartedAt ?? "")).toBeGreaterThan(readyAfter);
});

test("a job runs once, and once more when it changed; status calls it completed", async () => {
  const [before] = await containersOf(stack.name, "migrate");
  expect((await stack.must("up")).stderr).toContain("Nothing to change");
  const { exitCode, document } = await stack.json<Status>("status");
  expect(exitCode).toBe(0);
  expect(document.services).toContainEqual(
    expect.objectContaining({ service: "migrate", state: "completed" }),
  );

  const others = (await inspectStack(stack.name)).filter(({ Name }) => !Name.includes("migrate"));
  const environment = { ...migrate.environment, RELEASE: "2" };
  const changed = { ...migrate, environment };
  await stack.write(services({ app, migrate: changed, store, extra, page, remote: remote() }));
  await stack.must("up");
  const after = await containersOf(stack.name, "migrate");
  expect(after.map(({ State }) => [State.Status, State.ExitCode])).toEqual([["exited", 0]]);
  expect(after[0]?.Id).not.toBe(before?.Id);
  expect(identities(await inspectStack(stack.name))).toEqual(
    expect.arrayContaining([...identities(others)]),
  );
});

test("a job that fails is named, and what waits for it is not started", async () => {
  const environment = { ...migrate.environment, SCENARIO_CRASH_CODE: 3, RELEASE: "3" };
  const failing = { ...migrate, environment };
  const waiting = { ...app, environment: { RELEASE: "3" } };
  const [before] = await containersOf(stack.name, "app");
  const text = services({ app: waiting, migrate: failing, store, extra, page, remote: remote() });
  await stack.write(text);
  const { exitCode, stderr } = await stack.run("up");

  expect((await containersOf(stack.name, "app")).filter(({ State }) => State.Running)).toEqual([
    expect.objectContaining({ Id: before?.Id }),
  ]);
  expect(exitCode).toBe(4);
  expect(stderr).toMatch(/migrate.*exit(?:ed)?.* 3/i);
  expect(await ask(stack, "app/scenario")).toContain("scenario");

  await stack.write(services({ app, migrate, store, extra, page, remote: remote() }));
  await stack.must("up");
  expect((await containersOf(stack.name, "app")).map(({ Id }) => Id)).toEqual([before?.Id]);
});

test("a service with a profile is part of the stack only where the profile is named", async () => {
  expect(await containersOf(stack.name, "extra")).toEqual([]);
  const before = await inspectStack(stack.name);
  await stack.must("up", "--profile", "more");

  expect(await containersOf(stack.name, "extra")).toHaveLength(1);
  expect(await ask(stack, "extra")).toContain("scenario");
  await stack.must("up");
  expect(identities(await inspectStack(stack.name))).toEqual(identities(before));
});

test("an external service is served through the gateway and has no container", async () => {
  expect(await ask(stack, "remote/afar")).toBe("from elsewhere");
  expect(await containersOf(stack.name, "remote")).toEqual([]);
  const { document } = await stack.json<Status>("status");
  expect(document.services).toContainEqual(
    expect.objectContaining({ service: "remote", kind: "external", state: "ready" }),
  );
});

test("when a built service's files change, its image is built anew and only it is replaced", async () => {
  const before = await inspectStack(stack.name);
  expect(await askContainer(stack, "page", "/")).toContain("first edition");
  await writePage("second edition");
  expect((await stack.must("plan")).stdout).toMatch(/page[\s\S]*build/);
  await stack.must("up");

  expect(await askContainer(stack, "page", "/")).toContain("second edition");
  const same = (await inspectStack(stack.name)).filter(({ Name }) => !Name.includes("-page-"));
  expect(identities(same)).toEqual(
    identities(before.filter(({ Name }) => !Name.includes("-page-"))),
  );
  expect((await stack.must("up")).stderr).toContain("Nothing to change");
});

test("a build that fails leaves the one before it serving, and shows what the build said", async () => {
  const [before] = await containersOf(stack.name, "page");
  await writeIn(stack, "page/Dockerfile", "FROM nexus-test/web:1\nCOPY nowhere.txt /x\n");
  const { exitCode, stderr } = await stack.run("up");

  expect((await containersOf(stack.name, "page")).map(({ Id }) => Id)).toEqual([before?.Id]);
  expect(await askContainer(stack, "page", "/")).toContain("second edition");
  expect(exitCode).not.toBe(0);
  expect(stderr).toContain("nowhere.txt");
});

type Status = { services: { service: string; state: string; kind: string }[] };

/** The bed's machine as the containers see it. */
function remote(): object {
  const address = elsewhere.address();
  const port = typeof address === "object" ? address?.port : 0;
  return { external: `http://host.docker.internal:${port}/v1`, provides: ["chat"] };
}

async function writePage(text: string): Promise<void> {
  await writeIn(stack, "page/Dockerfile", "FROM nexus-test/web:1\nCOPY index.html /www/\n");
  await writeIn(stack, "page/index.html", text);
}

async function builtImages(): Promise<readonly string[]> {
  const images = await engine<{ RepoTags: readonly string[] | null }[]>("/images/json");
  return images
    .flatMap(({ RepoTags }) => RepoTags ?? [])
    .filter((tag) => tag.includes(`${stack.name}-page`) || tag.includes(`${stack.name}/page`));
}

/** An OpenAI-compatible endpoint that Nexus does not run. */
async function startElsewhere(): Promise<Server> {
  const server = createServer((request, response) => {
    const isChat = request.url === "/v1/chat/completions";
    const message = { role: "assistant", content: "from elsewhere" };
    const chat = { id: "1", object: "chat.completion", created: 1, model: "afar" };
    const models = { object: "list", data: [{ id: "afar", object: "model", created: 1 }] };
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify(
        isChat ? { ...chat, choices: [{ index: 0, message, finish_reason: "stop" }] } : models,
      ),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
  return server;
}
