import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort, services, type StackFolder, stackFolder, until } from "../support/cli.ts";

const dashboardFile = new URL("../../templates/grafana/dashboards/gateway.json", import.meta.url);

type Target = Readonly<{ refId: string; expr: string }>;
type Panel = Readonly<{ title: string; targets: readonly Target[] }>;
type Frame = Readonly<{
  schema: Readonly<{ name: string }>;
  data: Readonly<{ values: readonly [readonly number[], readonly (number | null)[]] }>;
}>;

let stack: StackFolder;
let grafana: string;
let prometheus: string;
let panels: readonly Panel[];

beforeAll(async () => {
  ({ panels } = JSON.parse(await readFile(dashboardFile, "utf8")) as { panels: readonly Panel[] });
  const [grafanaPort, prometheusPort] = [await freePort(), await freePort()];
  [grafana, prometheus] = [grafanaPort, prometheusPort].map(
    (port) => `http://127.0.0.1:${port}`,
  ) as [string, string];
  const model = { image: "nexus-test/scenario:1", port: 9000, provides: ["chat"] };
  stack = await stackFolder(
    services({
      steady: { ...model, environment: { SCENARIO_MODELS: "steady-1" }, max_concurrency: 1 },
      breaking: {
        ...model,
        environment: { SCENARIO_MODELS: "breaking-1", SCENARIO_BREAK_AFTER_CHUNKS: "2" },
      },
      vectors: { template: "qdrant" },
      metrics: { template: "prometheus", ports: [`127.0.0.1:${prometheusPort}:9090`] },
      grafana: {
        template: "grafana",
        environment: { PROMETHEUS_URL: "http://metrics:9090" },
        ports: [`127.0.0.1:${grafanaPort}:3000`],
      },
    }),
  );
  await stack.must("up");
});
afterAll(async () => stack[Symbol.asyncDispose]());

/** A few requests that go well, one whose stream breaks, and one for a model that is not there. */
async function traffic(): Promise<void> {
  const models = ["steady-1", "steady-1", "breaking-1", "no-such-model"];
  await Promise.all(
    models.map(async (model) => {
      const answer = await fetch(`${stack.api}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${stack.key()}`, "content-type": "application/json" },
        body: JSON.stringify({
          model,
          stream: true,
          messages: [{ role: "user", content: "How are you?" }],
        }),
      });
      await answer.text().catch(() => "");
    }),
  );
}

/** Asks as Grafana's own page does; resolves with the titles of panels with a query that gave no number. */
async function panelsWithoutData(): Promise<readonly string[]> {
  const to = Date.now();
  const answers = panels.map(async ({ title, targets }) => {
    const body = JSON.stringify({ queries: targets, from: `${to - 300_000}`, to: `${to}` });
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${grafana}/api/ds/query`, { method: "POST", headers, body });
    const { results } = (await answer.json()) as {
      results: Readonly<Record<string, { error?: string; frames?: readonly Frame[] }>>;
    };
    return targets
      .filter(({ refId }) => !(results[refId]?.frames ?? []).some(hasNumber))
      .map(({ expr }) => `${title}: ${expr}`);
  });
  return (await Promise.all(answers)).flat();
}

const hasNumber = ({ data }: Frame): boolean =>
  data.values[1].some((value) => value !== null && Number.isFinite(value));

/** The value of an instant query to Prometheus; undefined while there is none. */
async function measured(query: string): Promise<number | undefined> {
  const words = new URLSearchParams({ query }).toString();
  const answer = await fetch(`${prometheus}/api/v1/query?${words}`);
  const { data } = (await answer.json()) as {
    data: { result: readonly { value: [number, string] }[] };
  };
  return data.result[0] && Number(data.result[0].value[1]);
}

test("every query of every panel gives numbers while requests come in", async () => {
  let missing: readonly string[] = [];
  await until(
    "data in every panel",
    async () => {
      await traffic();
      missing = await panelsWithoutData();
      return missing.length === 0;
    },
    90_000,
  ).catch(() => undefined);
  expect(missing).toEqual([]);
});

test("the dashboard is drawn for everybody who looks, and nobody administers it without a password", async () => {
  const page = await (await fetch(`${grafana}/`)).text();
  for (const { title } of panels) expect(page).toContain(title);
  expect((await fetch(`${grafana}/api/datasources`)).status).toBe(403);
});

test("a service with metrics of its own is collected from, and Prometheus knows whose they are", async () => {
  await until(
    "vectors to be collected",
    async () => (await measured('up{service="vectors"}')) === 1,
  );
  expect(await measured('collections_total{service="vectors"}')).toBe(0);
});
