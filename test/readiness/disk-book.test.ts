import { describe, expect, test } from "vitest";
import { DiskBook } from "../../src/readiness/disk-book.ts";
import { ModelRoomError } from "../../src/readiness/errors.ts";
import { pullModel } from "../../src/readiness/models.ts";
import { type Answer, pulling, storeOf } from "./stub-store.ts";

const GB = 1e9;
const reserve = 1024 ** 3;

const tags: Answer = {
  body: [
    {
      models: [
        { name: "small:1", size: 2 * GB },
        { name: "kept:1", size: 90 * GB },
        { name: "large:1", size: 30 * GB },
      ],
    },
  ],
};

const afterwards: Answer = { body: [{ models: [{ name: "llama3.2:3b", size: 5 * GB }] }] };

/** A download of so many bytes that does not go on by itself. */
const download = (total: number): Answer => ({
  body: [{ status: "pulling aaa", digest: "aaa", total, completed: 0 }],
  open: true,
});

const complete = (total: number): Answer => ({
  body: [{ status: "pulling aaa", digest: "aaa", total, completed: total }, { status: "success" }],
});

const outcome = (pull: Promise<unknown>) => pull.catch((thrown: unknown) => thrown);

test("a model for which there is room is fetched", async () => {
  const stub = storeOf(
    { "GET /api/tags": [tags, afterwards], "POST /api/pull": complete(5 * GB) },
    10 * GB,
  );
  expect(await pullModel(pulling(stub, { disk: new DiskBook() }))).toBe("pulled");
});

test("a model for which there is none is given up as soon as its size is known, and what could go is named", async () => {
  const stub = storeOf(
    { "GET /api/tags": tags, "POST /api/pull": download(40 * GB) },
    10 * GB + reserve,
  );
  const failure = await outcome(
    pullModel(pulling(stub, { disk: new DiskBook(), declared: ["kept:1", "llama3.2:3b"] })),
  );
  expect(failure).toBeInstanceOf(ModelRoomError);
  expect(failure).toMatchObject({
    exitCode: 7,
    message:
      "The engine's disk has no room for the model llama3.2:3b of a: it needs 40 GB more, 10 GB can be used, 30 GB are missing.",
    remedy: expect.stringMatching(
      /^Remove what no stack file asks for: `nexus models rm large:1 --service a` \(30 GB\), `nexus models rm small:1 --service a` \(2 GB\); or free space/,
    ),
    details: { missingBytes: 30 * GB, spare: [{ model: "large:1" }, { model: "small:1" }] },
  });
  expect(await stub.asked("cancel")).toBeDefined();
});

test("on a disk that is full to its reserve nothing is begun", async () => {
  const stub = storeOf({ "GET /api/tags": { body: [{ models: [] }] } }, reserve);
  const failure = await outcome(pullModel(pulling(stub, { disk: new DiskBook() })));
  expect(failure).toMatchObject({
    code: "NEXUS_NO_ROOM_FOR_MODEL",
    remedy: expect.stringMatching(/^Free space/),
  });
  expect(stub.seen.some((request) => request.op === "request" && request.method === "POST")).toBe(
    false,
  );
});

test("a gateway that cannot tell lets every model pass", async () => {
  const stub = storeOf({ "GET /api/tags": [tags, afterwards], "POST /api/pull": complete(5e15) });
  expect(await pullModel(pulling(stub, { disk: new DiskBook() }))).toBe("pulled");
});

describe("several pulls at once", () => {
  const link = (freeBytes: number) => pulling(storeOf({}, freeBytes)).link;

  test("are added up: of two that only fit alone the first one gets the room", async () => {
    const book = new DiskBook();
    const disk = link(10 * GB + reserve);
    const [first, second] = await Promise.all([
      book.claim(disk, {}, 6 * GB),
      book.claim(disk, {}, 6 * GB),
    ]);
    expect(first).toBeUndefined();
    expect(second).toEqual({ neededBytes: 6 * GB, freeBytes: 4 * GB, missingBytes: 2 * GB });
  });

  test("give back what they have fetched, and everything when they end", async () => {
    const book = new DiskBook();
    const disk = link(10 * GB + reserve);
    const [one, other] = [{}, {}];
    await book.claim(disk, one, 8 * GB);
    book.settle(one, 5 * GB);
    expect(await book.claim(disk, other, 5 * GB)).toBeUndefined();
    book.release(one);
    expect(await book.claim(disk, other, 10 * GB)).toBeUndefined();
    book.settle(one, 9 * GB);
    expect(await book.claim(disk, other, 10 * GB)).toBeUndefined();
  });
});
