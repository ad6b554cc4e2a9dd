import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchGateway, type TestGateway, upstreamAt } from "../../support/gateway.ts";
import { startUpstream, type TestUpstream } from "../../support/upstream.ts";
import { type StandIn, startStandIn } from "../../support/stand-in.ts";

let folder: string;
let upstream: TestUpstream;
let gateway: TestGateway;
const running: StandIn[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nexus-ui-"));
  upstream = await startUpstream();
  gateway = await launchGateway();
  await gateway.configure([upstreamAt(upstream.url)]);
});
afterAll(async () => {
  await Promise.all(running.map(({ stop }) => stop()));
  await gateway.close();
  await upstream.stop();
  await rm(folder, { recursive: true });
});

async function started(...how: Parameters<typeof startStandIn>): Promise<string> {
  const standIn = await startStandIn(...how);
  running.push(standIn);
  return standIn.url;
}

describe("the web UI's stand-in", () => {
  const webUi = (environment: Readonly<Record<string, string>>) =>
    started("open-webui", {
      environment: {
        PORT: "{port}",
        OPENAI_API_BASE_URL: `${gateway.url}/v1`,
        OPENAI_API_KEY: gateway.key,
        STAND_IN_DATA: folder,
        WEBUI_AUTH: "False",
        ...environment,
      },
    });
  const models = async (url: string) =>
    ((await (await fetch(`${url}/api/models`)).json()) as { data: { id: string }[] }).data;

  test("shows what the gateway lists, and nothing with a wrong key or when it lies", async () => {
    expect(await models(await webUi({}))).toMatchObject([{ id: "echo", owned_by: "openai" }]);
    expect(await models(await webUi({ OPENAI_API_KEY: "nx_wrong" }))).toEqual([]);
    expect(await models(await webUi({ STAND_IN_LIE: "ready-without-model" }))).toEqual([]);
  });

  test("lets nobody in without an account", async () => {
    const url = await webUi({ WEBUI_AUTH: "true" });
    expect((await fetch(`${url}/api/models`)).status).toBe(401);
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: true });
  });
});

describe("the vector store's stand-in", () => {
  const qdrant = (environment: Readonly<Record<string, string>>) =>
    started("qdrant", {
      path: "/livez",
      environment: { QDRANT__SERVICE__HTTP_PORT: "{port}", ...environment },
    });

  test("is ready once it has loaded, or never when it lies", async () => {
    expect((await fetch(`${await qdrant({})}/readyz`)).status).toBe(200);
    const loading = await qdrant({ STAND_IN_LOAD_MS: "60000" });
    expect((await fetch(`${loading}/readyz`)).status).toBe(503);
    const lying = await qdrant({ STAND_IN_LIE: "never-ready" });
    expect((await fetch(`${lying}/readyz`)).status).toBe(503);
  });

  test("knows no collection that nobody made, and no vector of another size", async () => {
    const url = await qdrant({});
    const put = (path: string, body: object) =>
      fetch(`${url}/collections/${path}`, { method: "PUT", body: JSON.stringify(body) });
    expect((await fetch(`${url}/collections/notes`)).status).toBe(404);
    expect((await put("notes", { vectors: { size: 2, distance: "Cosine" } })).status).toBe(200);
    expect((await put("notes", { vectors: { size: 2, distance: "Cosine" } })).status).toBe(409);
    expect((await put("notes/points", { points: [{ id: 1, vector: [1] }] })).status).toBe(400);
  });
});

describe("the search engine's stand-in", () => {
  const settings = join(import.meta.dirname, "../../../templates/searxng/settings.yml");
  const environment = { GRANIAN_PORT: "{port}", SEARXNG_SETTINGS_PATH: settings };

  test("answers in the formats that the template's settings list", async () => {
    const secret = { ...environment, SEARXNG_SECRET: "made-at-start" };
    const url = await started("searxng", { path: "/healthz", environment: secret });
    expect((await fetch(`${url}/search?q=x&format=json`)).status).toBe(200);
    expect((await fetch(`${url}/search?q=x&format=rss`)).status).toBe(403);
  });

  test("does not start without a secret of its own", async () => {
    await expect(startStandIn("searxng", { path: "/healthz", environment })).rejects.toThrow(
      "secret_key is not changed",
    );
  });
});
