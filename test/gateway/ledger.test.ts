import { execa } from "execa";
import fc from "fast-check";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Booking } from "../../src/gateway/usage/booking.ts";
import type { LedgerPlace, LedgerStore } from "../../src/gateway/usage/ledger-store.ts";
import { Ledger, type LedgerOptions } from "../../src/gateway/usage/ledger.ts";
import { sqlitePlace } from "../../src/gateway/usage/sqlite-place.ts";

const noon = Date.UTC(2026, 10, 23, 12);
const hour = 3_600_000;

let directory: string;
let logged: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "nexus-ledger-"));
  logged = [];
});

afterEach(() => rm(directory, { recursive: true, force: true }));

const file = () => join(directory, "usage.db");

function booking(changes: Partial<Booking> = {}): Booking {
  return {
    at: noon,
    key: "laptop",
    service: "ollama",
    model: "llama",
    endpoint: "/v1/chat/completions",
    failed: false,
    seconds: 0.5,
    cost: { input: 10, output: 5, cached: 2, estimated: false },
    ...changes,
  };
}

function ledgerAt(place: LedgerPlace, changes: Partial<LedgerOptions> = {}): Ledger {
  const log: LedgerOptions["log"] = (_, event) => logged.push(event);
  // No timer of its own: the test says when it writes.
  const options = { place, log, flushMs: 3_600_000, mostRows: 1_000, onOpened: () => {} };
  return new Ledger({ ...options, ...changes });
}

const openFile = async (path = file()) => ledgerAt(await sqlitePlace(path, 36_500));

describe("the ledger", () => {
  test("sums by key, model, service, endpoint and day, with what is not written yet", async () => {
    const ledger = await openFile();
    ledger.book(booking());
    ledger.flush();
    ledger.book(booking({ failed: true, cost: undefined }));
    ledger.book(booking({ key: "phone", model: "qwen", at: noon + 13 * hour }));
    const rows = (by: Parameters<Ledger["report"]>[0], since = 0) =>
      ledger.report(by, since).rows.map(({ name, requests }) => [name, requests]);
    expect(rows("key")).toEqual([
      ["laptop", 2],
      ["phone", 1],
    ]);
    expect(rows("model")).toEqual([
      ["llama", 2],
      ["qwen", 1],
    ]);
    expect(rows("service")).toEqual([["ollama", 3]]);
    expect(rows("day")).toEqual([
      ["2026-11-23", 2],
      ["2026-11-24", 1],
    ]);
    expect(rows("key", noon + hour)).toEqual([["phone", 1]]);
    expect(ledger.report("key", 0).rows[0]).toEqual({
      name: "laptop",
      requests: 2,
      failures: 1,
      estimated: 0,
      input_tokens: 10,
      cached_tokens: 2,
      output_tokens: 5,
      seconds: 1,
    });
    ledger.close();
  });

  test("goes on after a restart where it left off", async () => {
    for (const at of [noon, noon + hour]) {
      const ledger = await openFile();
      ledger.book(booking({ at }));
      ledger.close();
    }
    const ledger = await openFile();
    expect(ledger.report("key", 0).rows).toMatchObject([{ name: "laptop", requests: 2 }]);
    ledger.close();
    const store = (await sqlitePlace(file(), 36_500)).open();
    expect(store.lastUsed()).toEqual(new Map([["laptop", noon + hour]]));
    store.close();
  });

  test("writes by itself, soon after something was booked", async () => {
    const ledger = ledgerAt(await sqlitePlace(file(), 36_500), { flushMs: 10 });
    ledger.book(booking());
    await expect.poll(() => ledger.state.unwritten).toBe(0);
    ledger.close();
  });

  test("drops what is older than it is asked to keep", async () => {
    const place = await sqlitePlace(file(), 30);
    const day = 24 * hour;
    for (const age of [40, 20]) {
      const ledger = ledgerAt(place);
      ledger.book(booking({ key: `${age} days`, at: Date.now() - age * day }));
      ledger.close();
    }
    const ledger = ledgerAt(place);
    expect(ledger.report("key", 0).rows.map(({ name }) => name)).toEqual(["20 days"]);
    ledger.close();
  });
});

describe("a disk that fails", () => {
  test("loses nothing of what was booked, whenever it fails and works again", () => {
    const events = fc.oneof(
      { weight: 4, arbitrary: fc.record({ key: fc.constantFrom("a", "b"), tokens: fc.nat(9) }) },
      fc.constantFrom("flush", "break", "mend", "report"),
    );
    fc.assert(
      fc.property(fc.array(events), (steps) => {
        const disk = fakeDisk();
        const ledger = ledgerAt(disk.place);
        const expected = { a: 0, b: 0 };
        for (const step of steps) {
          if (step === "break" || step === "mend") disk.works = step === "mend";
          else if (step === "flush") ledger.flush();
          else if (step === "report") ledger.report("key", 0);
          else {
            expected[step.key] += step.tokens;
            const cost = { input: step.tokens, output: 0, cached: 0, estimated: false };
            ledger.book(booking({ key: step.key, cost }));
          }
        }
        disk.works = true;
        ledger.close();
        expect({ a: disk.tokens("a"), b: disk.tokens("b") }).toEqual(expected);
        expect(ledger.state).toEqual({ state: "kept", unwritten: 0 });
      }),
      { numRuns: 500 },
    );
  });

  test("is told once when it fails and once when it takes the books again, and its reason meanwhile", () => {
    const disk = fakeDisk();
    const ledger = ledgerAt(disk.place);
    disk.works = false;
    for (let one = 0; one < 3; one += 1) {
      ledger.book(booking());
      ledger.flush();
    }
    expect(ledger.state).toEqual({ state: "failing", reason: "the disk is full", unwritten: 3 });
    disk.works = true;
    ledger.flush();
    expect(ledger.state).toEqual({ state: "kept", unwritten: 0 });
    expect(logged).toEqual(["usage.not_kept", "usage.kept_again"]);
    ledger.close();
  });

  test("makes the books coarser and not the memory fuller", () => {
    const disk = fakeDisk();
    disk.works = false;
    const ledger = ledgerAt(disk.place, { mostRows: 10 });
    for (let one = 0; one < 1_000; one += 1) ledger.book(booking({ model: `model-${one}` }));
    const { rows } = ledger.report("model", 0);
    expect(rows).toHaveLength(11);
    expect(rows[0]).toMatchObject({ name: "_other", requests: 990, input_tokens: 9_900 });
    disk.works = true;
    ledger.close();
    expect(disk.tokens("laptop")).toBe(15_000);
  });
});

describe("a file that is no ledger", () => {
  const texts = {
    "damaged at its beginning": async () => "not a database, ".repeat(1_000),
    "damaged in the middle": async () => {
      const ledger = await openFile();
      for (let one = 0; one < 500; one += 1) ledger.book(booking({ model: `model-${one}` }));
      ledger.close();
      const bytes = await readFile(file());
      return bytes.fill(0xff, 4_096, bytes.length - 4_096);
    },
    "of a newer Nexus": async () => {
      const database = new DatabaseSync(file());
      database.exec("CREATE TABLE usage (other TEXT); PRAGMA user_version = 2");
      database.close();
      return readFile(file());
    },
  };

  test.each(Object.entries(texts))(
    "is put aside when it is %s, and another begun",
    async (_, make) => {
      const content = Buffer.from(await make());
      await writeFile(file(), content);
      const ledger = await openFile();
      ledger.book(booking());
      ledger.flush();
      ledger.flush();
      expect(ledger.report("key", 0)).toMatchObject({
        rows: [{ name: "laptop", requests: 1 }],
        ledger: { state: "kept", unwritten: 0, moved_aside: expect.stringMatching(/^usage\.db\./) },
      });
      expect(logged).toContain("usage.moved_aside");
      ledger.close();
      const aside = (await readdir(directory)).filter((name) => name.includes("unread"));
      expect(await readFile(join(directory, aside[0] ?? ""))).toEqual(content);
    },
  );
});

const isRoot = process.getuid?.() === 0;

describe.runIf(isRoot)("a disk that is full", () => {
  test("keeps what was written, and takes the rest when there is room again", async () => {
    await execa("mount", ["-t", "tmpfs", "-o", "size=160k", "tmpfs", directory]);
    try {
      const ledger = await openFile();
      ledger.book(booking());
      ledger.flush();
      await writeFile(join(directory, "filler"), Buffer.alloc(1_000_000)).catch(() => {});
      for (let one = 0; one < 1_000; one += 1) ledger.book(booking({ model: `model-${one}` }));
      ledger.flush();
      expect(ledger.report("key", 0)).toMatchObject({
        rows: [{ name: "laptop", requests: 1_001 }],
        ledger: { state: "failing", reason: "the disk is full", unwritten: 1_000 },
      });
      await execa("mount", ["-o", "remount,size=4m", directory]);
      await rm(join(directory, "filler"));
      expect(ledger.report("key", 0)).toMatchObject({
        rows: [{ name: "laptop", requests: 1_001 }],
        ledger: { state: "kept", unwritten: 0 },
      });
      ledger.close();
    } finally {
      await execa("umount", [directory]);
    }
  });

  test("and one that is read-only are told apart", async () => {
    await execa("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", directory]);
    try {
      (await openFile()).close();
      await execa("mount", ["-o", "remount,ro", directory]);
      const ledger = await openFile();
      ledger.book(booking());
      ledger.flush();
      expect(ledger.state).toMatchObject({ state: "failing", unwritten: 1 });
      expect(ledger.state.reason).toMatch(/read-only|cannot be opened/);
      await execa("mount", ["-o", "remount,rw", directory]);
      ledger.flush();
      expect(ledger.state).toEqual({ state: "kept", unwritten: 0 });
      ledger.close();
    } finally {
      await execa("umount", [directory]);
    }
  });
});

/** A disk that takes what it is given, or says that it is full. */
function fakeDisk() {
  const tokens = new Map<string, number>();
  const disk = { works: true };
  const mustWork = () => {
    if (!disk.works) throw new Error("the disk is full");
  };
  const store: LedgerStore = {
    add: ({ rows }) => {
      mustWork();
      for (const row of rows) {
        const sum = (tokens.get(row.key) ?? 0) + row.input_tokens + row.output_tokens;
        tokens.set(row.key, sum);
      }
    },
    sumsBy: () => [],
    lastUsed: () => new Map(),
    close: () => {},
  };
  const open = () => {
    mustWork();
    return store;
  };
  const place: LedgerPlace = { open, moveAside: () => "" };
  return Object.assign(disk, { place, tokens: (key: string) => tokens.get(key) ?? 0 });
}
