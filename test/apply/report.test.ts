import { expect, test } from "vitest";
import type { Ending } from "../../src/apply/pipeline.ts";
import { type Account, exitCodeOf, reportOutcomes } from "../../src/apply/report.ts";
import type { Action, Plan } from "../../src/plan/plan.ts";
import type { Cause, Failure } from "../../src/readiness/readiness.ts";

const done: Ending = { outcome: "done", durationMs: 1 };
const failed: Ending = { outcome: "failed", error: new Error("broke") };
const skipped: Ending = { outcome: "skipped", because: "something did not succeed" };

const startOf = (service: string, after: readonly string[] = []): Action => ({
  id: `start ${service}`,
  after,
  because: "missing",
  service,
  kind: "start",
  container: `home-${service}-1`,
});
const awaitOf = (service: string, oneShot = false): Action => ({
  id: `await ${service}`,
  after: [`start ${service}`],
  because: "missing",
  service,
  kind: "await",
  target: { level: "ready", stallTimeoutMs: 1, stableMs: 1, oneShot },
});
const planOf = (actions: readonly Action[], rest: Partial<Plan> = {}): Plan => ({
  stack: "home",
  actions,
  recoveries: {},
  unchanged: [],
  warnings: [],
  ...rest,
});
const failureOf = (service: string, cause: Cause): Failure => ({
  service,
  cause,
  message: "it broke",
  remedy: "mend it",
  logs: [],
});
const account = (
  endings: Readonly<Record<string, Ending>>,
  rest: Partial<Account> = {},
): Account => ({
  endings: new Map(Object.entries(endings)),
  failures: new Map(),
  unrecovered: new Set(),
  ...rest,
});
const report = (services: ReturnType<typeof reportOutcomes>, interrupted = false) => ({
  services,
  interrupted,
  warnings: [],
  durationMs: 1,
});

test("a service whose wait succeeded is ready at the level that was waited for", () => {
  const plan = planOf([startOf("ollama"), awaitOf("ollama")], { unchanged: ["gateway"] });
  const outcomes = reportOutcomes(plan, account({ "start ollama": done, "await ollama": done }));

  expect(outcomes).toEqual([
    { service: "ollama", outcome: "ready", level: "ready" },
    { service: "gateway", outcome: "unchanged" },
  ]);
  expect(exitCodeOf(report(outcomes))).toBe(0);
});

test("a job that ended well is completed", () => {
  const plan = planOf([startOf("seed"), awaitOf("seed", true)]);

  expect(reportOutcomes(plan, account({ "start seed": done, "await seed": done }))).toEqual([
    { service: "seed", outcome: "completed", level: "completed" },
  ]);
});

test("a service whose replacement failed is kept, and the exit code is 4 all the same", () => {
  const plan = planOf([startOf("tts"), awaitOf("tts")], { recoveries: { tts: [startOf("tts")] } });
  const failures = new Map([["tts", failureOf("tts", { kind: "crashed", exitCode: 3 })]]);
  const outcomes = reportOutcomes(
    plan,
    account({ "start tts": done, "await tts": failed }, { failures }),
  );

  expect(outcomes).toMatchObject([
    { service: "tts", outcome: "kept", failure: { message: "it broke" } },
  ]);
  expect(exitCodeOf(report(outcomes))).toBe(4);
});

test("a service whose old container could not be put back either is not called kept", () => {
  const plan = planOf([startOf("tts"), awaitOf("tts")], { recoveries: { tts: [startOf("tts")] } });
  const failures = new Map([["tts", failureOf("tts", { kind: "crashed", exitCode: 3 })]]);
  const endings = { "start tts": done, "await tts": failed };

  expect(
    reportOutcomes(plan, account(endings, { failures, unrecovered: new Set(["tts"]) })),
  ).toMatchObject([{ service: "tts", outcome: "failed" }]);
});

test("a service whose wait was interrupted is not called ready, and nobody is blamed for it", () => {
  const plan = planOf([startOf("tts"), awaitOf("tts"), startOf("web", ["await tts"])]);
  const outcomes = reportOutcomes(
    plan,
    account({ "start tts": done, "await tts": failed, "start web": skipped }),
  );

  expect(outcomes).toMatchObject([
    {
      service: "tts",
      outcome: "blocked",
      failure: { message: "tts is not finished, because it was interrupted." },
    },
    {
      service: "web",
      outcome: "blocked",
      failure: { message: "web is not finished, because it was interrupted." },
    },
  ]);
});

test("a service that waits for a failed one is blocked, and names the one to mend", () => {
  const plan = planOf([startOf("db"), awaitOf("db"), startOf("web", ["await db"]), awaitOf("web")]);
  const failures = new Map([["db", failureOf("db", { kind: "out-of-memory" })]]);
  const endings = {
    "start db": done,
    "await db": failed,
    "start web": skipped,
    "await web": skipped,
  };
  const outcomes = reportOutcomes(plan, account(endings, { failures }));

  expect(outcomes[1]).toMatchObject({
    service: "web",
    outcome: "blocked",
    failure: { cause: { kind: "blocked", by: "db" } },
  });
});

test("a failure of one class throughout keeps that class as exit code, a mixture is 4", () => {
  const image: Cause = {
    kind: "engine",
    code: "NEXUS_IMAGE_NOT_FOUND",
    message: "no",
    remedy: "pull",
    exit: 8,
  };
  const of = (...causes: Cause[]) =>
    report(
      causes.map((cause) => ({ service: "a", outcome: "failed", failure: failureOf("a", cause) })),
    );

  expect(exitCodeOf(of(image, image))).toBe(8);
  expect(exitCodeOf(of(image, { kind: "crashed", exitCode: 1 }))).toBe(4);
});

test("an interruption is 130, whatever else happened", () => {
  expect(exitCodeOf(report([], true))).toBe(130);
});
