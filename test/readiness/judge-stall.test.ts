import { expect, test } from "vitest";
import { nextDeadline } from "../../src/readiness/judge.ts";
import type { WaitInput } from "../../src/readiness/judge.ts";
import {
  after,
  causeAfter,
  heard,
  job,
  observed,
  ready,
  report,
  tick,
  toBeProven,
  type Step,
} from "./judge-steps.ts";
import { event } from "./stub-engine.ts";

function loading(token: string): WaitInput {
  return report({ state: "loading", progress_token: token });
}

test("the next tick matters at the end of the stability window, or else when patience ends", () => {
  const waiting = after([[0, observed()]]);
  const stable = after([[50, ready]]);
  expect("state" in waiting && nextDeadline(waiting.state)).toBe(10_000);
  expect("state" in stable && nextDeadline(stable.state)).toBe(350);
});

test("a job's patience starts again with every line it writes", () => {
  const steps: Step[] = [
    [0, observed()],
    [9_000, { kind: "output" }],
    [10_000, tick],
  ];
  expect(after(steps, job)).not.toHaveProperty("ask");
  expect(causeAfter([...steps, [19_000, tick], [19_001, observed()]], job)).toMatchObject({
    kind: "not-ready",
    detail: "it has not finished, and wrote nothing for 10 s",
  });
});

test("a proof that is never answered is a failed request", () => {
  const steps: Step[] = [
    [0, observed()],
    [50, ready],
    [10_050, tick],
    [10_051, observed()],
  ];
  expect(causeAfter(steps, toBeProven)).toMatchObject({
    kind: "request-failed",
    status: 0,
  });
});

test("progress extends the wait: a new token, a higher state, a change of health", () => {
  const steps: Step[] = [
    [0, observed({ health: "starting" })],
    [9_000, report({ state: "loading", status: 503, progress_token: "10%" })],
    [18_000, report({ state: "loading", status: 503, progress_token: "20%" })],
    [27_000, heard(event("health_status: unhealthy"))],
  ];
  expect(after([...steps, [36_999, tick]])).not.toHaveProperty("ask");
  expect(after([...steps, [37_000, tick]])).toMatchObject({ ask: "inspect" });
});

test("a token that comes back is no progress, and neither is another way of being unreachable", () => {
  const steps: Step[] = [
    [1_000, loading("a")],
    [2_000, loading("b")],
    [8_000, loading("a")],
    [9_000, report({ progress_token: "refused" })],
  ];
  expect(after([...steps, [12_000, tick]])).toMatchObject({ ask: "inspect" });
});

test.each([
  ["nothing answered", [], { kind: "never-listened", port: 9000 }],
  [
    "only refusals",
    [report({})],
    { kind: "never-listened", port: 9000, detail: "GET /readyz: connection refused" },
  ],
  [
    "another status",
    [
      report({
        state: "reachable",
        status: 404,
        detail: "GET /readyz answered 404",
        progress_token: "x",
      }),
    ],
    { kind: "not-ready", status: 404, detail: "GET /readyz answered 404" },
  ],
  [
    "503 all the time",
    [report({ state: "loading", status: 503, detail: "loading", progress_token: "x" })],
    { kind: "still-loading", detail: "loading, without progress for 10 s" },
  ],
  [
    "a model is not there",
    [
      report({
        state: "reachable",
        missing_models: ["m:1"],
        detail: "without m:1",
        progress_token: "x",
      }),
    ],
    { kind: "model-missing", models: ["m:1"], detail: "without m:1" },
  ],
  [
    "it answered once and stopped",
    [report({ state: "reachable", progress_token: "x" }), report({ detail: "connection refused" })],
    { kind: "not-ready", detail: "connection refused" },
  ],
  [
    "the image's own health check fails",
    [report({}), heard(event("health_status: unhealthy"))],
    { kind: "unhealthy", detail: "GET /readyz: connection refused" },
  ],
])("when patience ends after %s, the cause says so", (_case, inputs, cause) => {
  const steps = inputs.map((input): Step => [0, input]);
  expect(causeAfter([[0, observed()], ...steps, [10_000, tick], [10_001, observed()]])).toEqual(
    cause,
  );
});

test("patience that ends while the container dies blames the death", () => {
  const dead = observed({ state: "exited", exitCode: 1 });
  expect(
    causeAfter([
      [0, observed()],
      [10_000, tick],
      [10_001, dead],
    ]),
  ).toEqual({
    kind: "crashed",
    exitCode: 1,
  });
});

test("what reaches its level at the last moment is not refused", () => {
  const steps: Step[] = [
    [0, observed()],
    [10_000, tick],
    [10_000, ready],
    [10_001, observed()],
  ];
  expect(after(steps)).toMatchObject({ state: { levelSince: 10_000, confirming: false } });
});

test("an error page that changes all the time is no progress, and a longer list of models is", () => {
  const page = (at: number, models: readonly string[] = []): Step => {
    const change = { state: "reachable", status: 500, present_models: models } as const;
    return [at, report({ ...change, progress_token: `time ${at}` })];
  };
  const steps = [page(0), page(5_000), page(9_000)];
  expect(after([...steps, [10_000, tick]])).toMatchObject({ ask: "inspect" });
  expect(after([...steps, page(9_500, ["a:1"]), [10_000, tick]])).not.toHaveProperty("ask");
});
