import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  containersOf,
  engine,
  freePort,
  identities,
  inspectStack,
  readIn,
  services,
  type StackFolder,
  stackFolder,
} from "../support/cli.ts";

let stack: StackFolder;
let ui: string;
let search: string;
let vectors: string;
/** What signing up gave: the administrator's token. */
let token: string;

beforeAll(async () => {
  const [uiPort, searchPort, vectorPort] = [await freePort(), await freePort(), await freePort()];
  [ui, search, vectors] = [uiPort, searchPort, vectorPort].map(
    (port) => `http://127.0.0.1:${port}`,
  ) as [string, string, string];
  stack = await stackFolder(
    services({
      model: {
        image: "nexus-test/scenario:1",
        port: 9000,
        provides: ["chat"],
        environment: { SCENARIO_MODELS: "small-1" },
      },
      webui: { template: "open-webui", ports: [`127.0.0.1:${uiPort}:8080`] },
      search: { template: "searxng", ports: [`127.0.0.1:${searchPort}:8080`] },
      vectors: { template: "qdrant", ports: [`127.0.0.1:${vectorPort}:6333`] },
    }),
  );
  await stack.must("up");
  token = (await post("/api/v1/auths/signup", { email: "a@b.example", name: "A", password: "x" }))[
    "token"
  ] as string;
});
afterAll(async () => stack[Symbol.asyncDispose]());

async function post(path: string, body: object): Promise<Record<string, unknown>> {
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  const answer = await fetch(`${ui}${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  return (await answer.json()) as Record<string, unknown>;
}

/** The models that the web UI shows. */
async function shown(): Promise<readonly string[]> {
  const answer = await fetch(`${ui}/api/models`, { headers: { authorization: `Bearer ${token}` } });
  const { data } = (await answer.json()) as { data: readonly { id: string }[] };
  return data.map(({ id }) => id);
}

const savedKey = async () => (await readIn(stack, ".nexus/secrets/webui.key")).trim();

describe("a web UI with a key of its own", () => {
  test("shows the gateway's models and chats with them", async () => {
    expect(await shown()).toContain("small-1");
    const chat = await post("/api/chat/completions", {
      model: "small-1",
      messages: [{ role: "user", content: "hi" }],
    });
    expect(JSON.stringify(chat)).toContain("scenario 1");
  });

  test("its key is listed, may infer and no more, and stands in no inspection, log or argument", async () => {
    const { document } = await stack.json<{ keys: readonly Record<string, unknown>[] }>(
      "keys",
      "ls",
    );
    expect(document.keys).toContainEqual(
      expect.objectContaining({ name: "webui", scopes: ["inference"] }),
    );
    const key = await savedKey();
    expect(key).toMatch(/^nx_/);
    expect(JSON.stringify(await inspectStack(stack.name))).not.toContain(key);
    expect((await stack.must("logs")).stdout).not.toContain(key);
    expect((await stack.must("config")).stdout).not.toContain(key);
  });

  test("a second `up` and a plan change nothing", async () => {
    const before = identities(await inspectStack(stack.name));
    expect((await stack.must("plan")).stdout).toContain("Nothing to change");
    await stack.must("up");
    expect(identities(await inspectStack(stack.name))).toEqual(before);
  });

  test("a gateway that has lost its volume is told the same key again", async () => {
    const key = await savedKey();
    await stack.must("down");
    await engine(`/volumes/${stack.name}-gateway`, { method: "DELETE" });
    await stack.must("up");
    expect(await savedKey()).toBe(key);
    expect(await shown()).toContain("small-1");
  });

  test("a key that was rotated reaches it with the next `up`", async () => {
    const before = await savedKey();
    await stack.must("keys", "rotate", "webui");
    expect(await savedKey()).not.toBe(before);
    expect(await shown()).toEqual([]);
    expect((await stack.must("plan")).stdout).toContain("1 to replace");
    await stack.must("up");
    expect(await shown()).toContain("small-1");
    expect(await containersOf(stack.name, "webui")).toHaveLength(1);
  });

  test("a key that somebody made by hand under a service's name stays, and `up` says so", async () => {
    await stack.must("keys", "add", "second");
    const text = await readIn(stack, "nexus.yaml");
    await stack.write(
      `${text.slice(text.indexOf("services:\n") + 10)}  second: { template: open-webui }\n`,
    );
    const { exitCode, document } = await stack.json<{ error: { code: string } }>("up");
    expect({ exitCode, code: document.error.code }).toEqual({
      exitCode: 6,
      code: "NEXUS_SERVICE_KEY_TAKEN",
    });
    expect(await shown()).toContain("small-1");
  });
});

describe("what stands beside it", () => {
  test("the search engine answers programs in JSON", async () => {
    const answer = await fetch(`${search}/search?q=nexus&format=json`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ query: "nexus", results: [{ title: "nexus" }] });
    expect((await fetch(`${search}/search?q=nexus&format=csv`)).status).toBe(403);
  });

  test("the vector store keeps vectors and finds the nearest, without any privilege", async () => {
    const call = (method: string, path: string, body: object) =>
      fetch(`${vectors}/collections/${path}`, {
        method,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    await call("PUT", "notes", { vectors: { size: 2, distance: "Cosine" } });
    const points = [
      { id: 1, vector: [1, 0], payload: { text: "east" } },
      { id: 2, vector: [0, 1], payload: { text: "north" } },
    ];
    await call("PUT", "notes/points", { points });
    const found = await call("POST", "notes/points/query", { query: [0.1, 0.9], limit: 1 });
    expect(await found.json()).toMatchObject({ result: { points: [{ id: 2 }] } });
    const [store] = await containersOf(stack.name, "vectors");
    expect(store?.HostConfig).toMatchObject({ Privileged: false, CapDrop: ["ALL"] });
  });
});
