import { afterEach, expect, test } from "vitest";
import { ModelPullError, ModelStoreError } from "../../src/readiness/errors.ts";
import type { GatewayLink } from "../../src/readiness/gateway-link.ts";
import { isSameModel, listModels, pullModel, removeModel } from "../../src/readiness/models.ts";
import type { ModelPull } from "../../src/readiness/models.ts";
import { GatewayStub } from "./gateway-stub.ts";
import { toBeReady } from "./judge-steps.ts";
import { ManualClock, settled } from "./manual-clock.ts";

type Answer = Readonly<{
  status?: number;
  body: readonly unknown[];
  pieces?: number;
  open?: boolean;
}>;

const links: GatewayLink[] = [];

afterEach(async () => {
  for (const link of links.splice(0)) await link.close();
});

/** A store that gives these answers by method and path. */
function store(answers: Readonly<Record<string, Answer>>): GatewayStub {
  return new GatewayStub((request, send) => {
    if (request.op !== "request") return;
    const answer = answers[`${request.method} ${request.path}`] ?? { status: 404, body: [] };
    const { status = 200, body, pieces = 1_000 } = answer;
    const text = body.map((line) => `${JSON.stringify(line)}\n`).join("");
    for (let at = 0; at < text.length; at += pieces) {
      send({ id: request.id, progress: { status, chunk: text.slice(at, at + pieces) } });
    }
    if (!answer.open) send({ id: request.id, ok: { status } });
  });
}

function pulling(stub: GatewayStub, change: Partial<ModelPull> = {}): ModelPull {
  const upstream = toBeReady.upstream;
  if (!upstream) throw new Error("no upstream");
  const link = stub.link();
  links.push(link);
  return {
    link,
    upstream,
    model: "llama3.2:3b",
    stallTimeoutMs: 60_000,
    clock: new ManualClock(),
    ...change,
  };
}

const tags = (...names: readonly string[]): Answer => ({
  body: [{ models: names.map((name) => ({ name, size: 5, modified_at: "2026-01-01T00:00:00Z" })) }],
});

test("a model that is there is not pulled", async () => {
  const stub = store({ "GET /api/tags": tags("llama3.2:3b") });
  expect(await pullModel(pulling(stub))).toBe("present");
  expect(stub.seen).toHaveLength(1);
});

test("a name without a tag means latest", () => {
  expect(isSameModel("nomic-embed-text", "nomic-embed-text:latest")).toBe(true);
  expect(isSameModel("registry:5000/a", "registry:5000/a:latest")).toBe(true);
  expect(isSameModel("qwen3:8b", "qwen3:4b")).toBe(false);
});

test("progress sums the bytes of all layers, however the lines are split", async () => {
  const stub = store({
    "GET /api/tags": tags(),
    "POST /api/pull": {
      pieces: 7,
      body: [
        { status: "pulling manifest" },
        { status: "pulling aaa", digest: "aaa", total: 100 },
        { status: "pulling aaa", digest: "aaa", total: 100, completed: 100 },
        { status: "pulling bbb", digest: "bbb", total: 50, completed: 20 },
        { status: "success" },
      ],
    },
  });
  const told: string[] = [];
  const onProgress: ModelPull["onProgress"] = ({ status, completedBytes, totalBytes }) =>
    told.push(`${status} ${completedBytes}/${totalBytes}`);

  expect(await pullModel(pulling(stub, { onProgress }))).toBe("pulled");
  expect(told).toEqual([
    "pulling manifest 0/0",
    "pulling aaa 0/100",
    "pulling aaa 100/100",
    "pulling bbb 120/150",
    "success 120/150",
  ]);
});

test("speed counts what is fetched now, not what was there before", async () => {
  const stub = store({ "GET /api/tags": tags(), "POST /api/pull": { body: [], open: true } });
  const clock = new ManualClock();
  const speeds: number[] = [];
  const pulled = pullModel(
    pulling(stub, { clock, onProgress: ({ bytesPerSecond }) => speeds.push(bytesPerSecond) }),
  );
  await settled();
  const { id } = stub.seen[1] ?? { id: 0 };
  for (const completed of [5_000, 6_000, 8_000]) {
    const chunk = `${JSON.stringify({ status: "pulling", digest: "a", total: 9_000, completed })}\n`;
    stub.send({ id, progress: { status: 200, chunk } });
    await clock.advance(1_000);
  }
  stub.send({ id, progress: { status: 200, chunk: '{"status":"success"}' } });
  stub.send({ id, ok: { status: 200 } });

  expect(await pulled).toBe("pulled");
  expect(speeds).toEqual([0, 1_000, 1_500, 1_000]);
});

test.each([
  [
    "the store's own words",
    {
      body: [{ status: "pulling manifest" }, { error: "pull model manifest: file does not exist" }],
    },
    "speech could not pull the model llama3.2:3b: pull model manifest: file does not exist",
  ],
  ["an error status", { status: 500, body: [{ error: "disk full" }] }, "disk full"],
  ["a bare status", { status: 502, body: [] }, "it answered with status 502"],
  ["a download that breaks off", { body: [{ status: "pulling aaa" }] }, "broke off"],
])("a pull that fails says why: %s", async (_case, answer, message) => {
  const stub = store({ "GET /api/tags": tags(), "POST /api/pull": answer });
  const pull = pulling(stub);
  const upstream = { ...pull.upstream, id: "speech" };

  const failure = await pullModel({ ...pull, upstream }).catch((thrown: unknown) => thrown);

  expect(failure).toBeInstanceOf(ModelPullError);
  expect(failure).toMatchObject({
    message: expect.stringContaining(message),
    exitCode: 4,
    remedy: expect.stringContaining("nexus models pull llama3.2:3b"),
  });
});

test("a pull that makes no progress is given up and cancelled, even when its line is repeated", async () => {
  const stub = store({
    "GET /api/tags": tags(),
    "POST /api/pull": { body: [{ status: "pulling manifest" }], open: true },
  });
  const clock = new ManualClock();
  const failure = pullModel(pulling(stub, { clock })).catch((thrown: unknown) => thrown);
  await clock.advance(30_000);
  const { id } = stub.seen[1] ?? { id: 0 };
  stub.send({ id, progress: { status: 200, chunk: '{"status":"pulling manifest"}\n' } });
  await clock.advance(30_000);

  expect(String(await failure)).toContain("no progress for 60 s");
  expect(await stub.asked("cancel")).toMatchObject({ request: id });
});

test("interrupting a pull rejects with the reason", async () => {
  const stub = store({ "GET /api/tags": tags(), "POST /api/pull": { body: [], open: true } });
  const abort = new AbortController();
  const failure = pullModel(pulling(stub, { signal: abort.signal })).catch(
    (thrown: unknown) => thrown,
  );
  await settled();
  abort.abort(new Error("interrupted"));
  expect(String(await failure)).toContain("interrupted");
});

test("models are listed with their sizes", async () => {
  const stub = store({ "GET /api/tags": tags("a:1") });
  expect(await listModels(pulling(stub))).toEqual([
    { name: "a:1", sizeBytes: 5, modifiedAt: "2026-01-01T00:00:00Z" },
  ]);
});

test("a store that answers nonsense is a failure of its own", async () => {
  const stub = store({ "GET /api/tags": { body: ["hello"] } });
  await expect(listModels(pulling(stub))).rejects.toBeInstanceOf(ModelStoreError);
});

test("removing a model asks the store, and passes its refusal on", async () => {
  const gone = store({ "DELETE /api/delete": { body: [] } });
  await removeModel(pulling(gone));
  expect(gone.seen[0]).toMatchObject({ method: "DELETE", body: { model: "llama3.2:3b" } });

  const refusal = { status: 404, body: [{ error: "model 'llama3.2:3b' not found" }] };
  const stub = store({ "DELETE /api/delete": refusal });
  await expect(removeModel(pulling(stub))).rejects.toThrow("model 'llama3.2:3b' not found");
});
