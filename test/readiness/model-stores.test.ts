import { describe, expect, test } from "vitest";
import { listModels, pullModel, removeModel } from "../../src/readiness/models.ts";
import { ManualClock, settled } from "./manual-clock.ts";
import { type Answer, pulling, storeOf } from "./stub-store.ts";

const list = (...ids: readonly string[]): Answer => ({
  body: [
    { object: "list", data: ids.map((id) => ({ id, object: "model", created: 1_700_000_000 })) },
  ],
});

const refusal = (pull: Promise<unknown>) => pull.catch((thrown: unknown) => String(thrown));

describe("Speaches", () => {
  const model = "Systran/faster-whisper-small";
  const asked = `POST /v1/models/${model}`;
  const speaches = { kind: "speaches", model } as const;

  test("lists what it has, without sizes", async () => {
    const stub = storeOf({ "GET /v1/models": list(model) });
    expect(await listModels(pulling(stub, speaches))).toEqual([
      { name: model, modifiedAt: "2023-11-14T22:13:20.000Z" },
    ]);
  });

  test("has a model that it downloaded, and one that it had already", async () => {
    const there = storeOf({ "GET /v1/models": list(model) });
    expect(await pullModel(pulling(there, speaches))).toBe("present");
    for (const status of [200, 201]) {
      const stub = storeOf({
        "GET /v1/models": [list(), list(model)],
        [asked]: { status, body: [`Model '${model}' downloaded`] },
      });
      expect(await pullModel(pulling(stub, speaches))).toBe("pulled");
    }
  });

  test("says why it has none", async () => {
    const words = `Model '${model}' is a gated repository and requires authentication.`;
    const stub = storeOf({
      "GET /v1/models": list(),
      [asked]: { status: 401, body: [{ detail: words }] },
    });
    expect(await refusal(pullModel(pulling(stub, speaches)))).toContain(words);
  });

  test("is waited for while it answers, however long its silent download takes", async () => {
    const clock = new ManualClock();
    const listed = { now: list() };
    const stub = storeOf({
      get "GET /v1/models"() {
        return listed.now;
      },
      [asked]: { body: [], open: true },
    });
    const pull = pullModel(pulling(stub, { ...speaches, clock }));
    await clock.advance(600_000);
    const { id } = stub.seen[1] ?? { id: 0 };
    listed.now = list(model);
    stub.send({ id, ok: { status: 200 } });
    expect(await pull).toBe("pulled");
  });

  test("is given up when it answers nothing any more", async () => {
    const clock = new ManualClock();
    const stub = storeOf({
      "GET /v1/models": [list(), { body: [], open: true }],
      [asked]: { body: [], open: true },
    });
    const pull = refusal(pullModel(pulling(stub, { ...speaches, clock })));
    await clock.advance(60_000);
    expect(await pull).toContain("no progress for 60 s");
    expect(await stub.asked("cancel")).toMatchObject({ request: stub.seen[1]?.id });
  });

  test("removes a model, and says why it does not", async () => {
    const path = `DELETE /v1/models/${model}`;
    const stub = storeOf({
      [path]: [
        { body: [{ detail: "deleted" }] },
        { status: 404, body: [{ detail: "no such repo" }] },
      ],
    });
    const store = pulling(stub, speaches);
    await removeModel(store);
    expect(await refusal(removeModel(store))).toContain("no such repo");
  });
});

describe("LocalAI", () => {
  const localai = { kind: "localai", model: "stablediffusion" } as const;
  const applied: Answer = { body: [{ uuid: "job-1", status: "http://x/models/jobs/job-1" }] };
  const job = (state: Readonly<Record<string, unknown>>): Answer => ({
    body: [{ processed: false, error: null, message: "processing", progress: 0, ...state }],
  });
  const file = { file_name: "unet.bin", file_size: "2.0 MiB" };

  test("is asked for the model by its gallery's name, and told of file by file", async () => {
    const clock = new ManualClock();
    const told: string[] = [];
    const stub = storeOf({
      "GET /v1/models": [list(), list("stablediffusion")],
      "POST /models/apply": applied,
      "GET /models/jobs/job-1": [
        { status: 500, body: [{ error: { message: "could not find any status for ID" } }] },
        job({ ...file, downloaded_size: "1.0 MiB" }),
        job({ ...file, downloaded_size: "2.0 MiB" }),
        job({ processed: true, message: "completed" }),
      ],
    });
    const pull = pullModel(
      pulling(stub, {
        ...localai,
        clock,
        onProgress: ({ completedBytes, totalBytes }) =>
          told.push(`${completedBytes}/${totalBytes}`),
      }),
    );
    await clock.advance(2_000);
    expect(await pull).toBe("pulled");
    expect(told).toEqual(["1048576/2097152", "2097152/2097152", "2097152/2097152"]);
    expect(stub.seen[1]).toMatchObject({ path: "/models/apply", body: { id: "stablediffusion" } });
  });

  test.each([
    ["a text", { error: "no model found with name", processed: true }, "no model found with name"],
    ["a Go error", { error: {}, message: "error: disk", processed: true }, "error: disk"],
    ["a cancellation", { cancelled: true, processed: true }, "it was cancelled there"],
  ])("says why it has none: %s", async (_case, state, words) => {
    const stub = storeOf({
      "GET /v1/models": list(),
      "POST /models/apply": applied,
      "GET /models/jobs/job-1": job(state),
    });
    expect(await refusal(pullModel(pulling(stub, localai)))).toContain(words);
  });

  test("is given up when its job stands still", async () => {
    const clock = new ManualClock();
    const stub = storeOf({
      "GET /v1/models": list(),
      "POST /models/apply": applied,
      "GET /models/jobs/job-1": job({ ...file, downloaded_size: "1.0 MiB" }),
    });
    const pull = refusal(pullModel(pulling(stub, { ...localai, clock })));
    await clock.advance(61_000);
    expect(await pull).toContain("no progress for 60 s");
  });

  test("goes on while its percentage moves, though it tells no sizes", async () => {
    const clock = new ManualClock();
    const stub = storeOf({
      "GET /v1/models": [list(), list("stablediffusion")],
      "POST /models/apply": applied,
      "GET /models/jobs/job-1": [
        ...Array.from({ length: 200 }, (_, tick) => job({ progress: Math.floor(tick / 50) * 20 })),
        job({ processed: true, message: "completed", progress: 100 }),
      ],
    });
    const change = { ...localai, clock, stallTimeoutMs: 40_000 };
    const pull = pullModel(pulling(stub, change));
    await clock.advance(101_000);
    expect(await pull).toBe("pulled");
  });

  test("has removed a model once it lists it no more", async () => {
    const stub = storeOf({
      "GET /v1/models": [list("stablediffusion"), list()],
      "POST /models/delete/stablediffusion": { body: [{ uuid: "job-2" }] },
    });
    await removeModel(pulling(stub, localai));
    await settled();
    expect(stub.seen).toHaveLength(3);
  });

  test("cannot remove what it does not have", async () => {
    const stub = storeOf({ "GET /v1/models": list() });
    expect(await refusal(removeModel(pulling(stub, localai)))).toContain("it has no such model");
  });
});

test("a store whose list has no end is not listened to for ever", async () => {
  const mebibyte = 1024 * 1024;
  const stub = storeOf({
    "GET /api/tags": { body: ["x".repeat(9 * mebibyte)], pieces: mebibyte, open: true },
  });
  expect(await refusal(listModels(pulling(stub)))).toMatch(/longer than 8 MiB/);
  expect(stub.seen.at(-1)?.op).toBe("cancel");
});
