import { expect, test } from "vitest";
import { ModelPullError, ModelStoreError } from "../../src/readiness/errors.ts";
import type { ModelPull } from "../../src/readiness/model-store.ts";
import { isSameModel, listModels, pullModel, removeModel } from "../../src/readiness/models.ts";
import { ManualClock, settled } from "./manual-clock.ts";
import { type Answer, pulling, storeOf } from "./stub-store.ts";

const tags = (...names: readonly string[]): Answer => ({
  body: [{ models: names.map((name) => ({ name, size: 5, modified_at: "2026-01-01T00:00:00Z" })) }],
});

/** The model is not there at first, and then it is. */
const comes = [tags(), tags("llama3.2:3b")];

test("a model that the store says it has fetched and does not list is none", async () => {
  const stub = storeOf({
    "GET /api/tags": tags("another:1b"),
    "POST /api/pull": { body: [{ status: "success" }] },
  });
  await expect(pullModel(pulling(stub))).rejects.toThrow("does not list it");
});

test("a model that is there is not pulled", async () => {
  const stub = storeOf({ "GET /api/tags": tags("llama3.2:3b") });
  expect(await pullModel(pulling(stub))).toBe("present");
  expect(stub.seen).toHaveLength(1);
});

test("a name without a tag means latest", () => {
  expect(isSameModel("nomic-embed-text", "nomic-embed-text:latest", "ollama")).toBe(true);
  expect(isSameModel("registry:5000/a", "registry:5000/a:latest", "ollama")).toBe(true);
  expect(isSameModel("qwen3:8b", "qwen3:4b", "ollama")).toBe(false);
});

test("progress sums the bytes of all layers, however the lines are split", async () => {
  const stub = storeOf({
    "GET /api/tags": comes,
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

test("speed and the time that is left count what is fetched now, not what was there before", async () => {
  const stub = storeOf({ "GET /api/tags": comes, "POST /api/pull": { body: [], open: true } });
  const clock = new ManualClock();
  const speeds: (readonly (number | undefined)[])[] = [];
  const onProgress: ModelPull["onProgress"] = ({ bytesPerSecond, remainingMs }) =>
    speeds.push([bytesPerSecond, remainingMs]);
  const pulled = pullModel(pulling(stub, { clock, onProgress }));
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
  expect(speeds).toEqual([
    [0, undefined],
    [1_000, 3_000],
    [1_500, 667],
    [1_000, 1_000],
  ]);
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
  const stub = storeOf({ "GET /api/tags": comes, "POST /api/pull": answer });
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
  const stub = storeOf({
    "GET /api/tags": comes,
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
  const stub = storeOf({ "GET /api/tags": comes, "POST /api/pull": { body: [], open: true } });
  const abort = new AbortController();
  const failure = pullModel(pulling(stub, { signal: abort.signal })).catch(
    (thrown: unknown) => thrown,
  );
  await settled();
  abort.abort(new Error("interrupted"));
  expect(String(await failure)).toContain("interrupted");
});

test("models are listed with their sizes", async () => {
  const stub = storeOf({ "GET /api/tags": tags("a:1") });
  expect(await listModels(pulling(stub))).toEqual([
    { name: "a:1", sizeBytes: 5, modifiedAt: "2026-01-01T00:00:00Z" },
  ]);
});

test("a store that answers nonsense is a failure of its own", async () => {
  const stub = storeOf({ "GET /api/tags": { body: [["hello"]] } });
  await expect(listModels(pulling(stub))).rejects.toBeInstanceOf(ModelStoreError);
});

test("removing a model asks the store, and passes its refusal on", async () => {
  const gone = storeOf({ "DELETE /api/delete": { body: [] } });
  await removeModel(pulling(gone));
  expect(gone.seen[0]).toMatchObject({ method: "DELETE", body: { model: "llama3.2:3b" } });

  const refusal = { status: 404, body: [{ error: "model 'llama3.2:3b' not found" }] };
  const stub = storeOf({ "DELETE /api/delete": refusal });
  await expect(removeModel(pulling(stub))).rejects.toThrow("model 'llama3.2:3b' not found");
});
