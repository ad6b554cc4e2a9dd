import { expect, test } from "vitest";
import type { WaitInput } from "../../src/readiness/judge.ts";
import {
  after,
  causeAfter,
  heard,
  isReached,
  observed,
  ready,
  report,
  toBeReady,
  type Step,
} from "./judge-steps.ts";
import { container, die, event } from "./stub-engine.ts";

test("a container that dies right after it was ready is not ready", () => {
  const steps: Step[] = [
    [0, observed()],
    [50, ready],
    [100, heard(die(1))],
  ];
  expect(after(steps)).toMatchObject({ ask: "inspect" });
  expect(causeAfter([...steps, [101, observed({ state: "exited", exitCode: 1 })]])).toEqual({
    kind: "crashed",
    exitCode: 1,
  });
});

test.each([
  ["a crash", die(3), { exitCode: 3 }, { kind: "crashed", exitCode: 3 }],
  ["exit 0", die(0), {}, { kind: "exited-early" }],
  [
    "the kernel's memory killer, seen by inspect",
    die(137),
    { exitCode: 137, oomKilled: true },
    { kind: "out-of-memory", limitBytes: 256 * 1024 ** 2 },
  ],
])("%s ends the wait with its own cause", (_case, death, change, cause) => {
  const dead = observed({ state: "exited", ...change });
  expect(
    causeAfter([
      [0, observed()],
      [5, heard(death)],
      [6, dead],
    ]),
  ).toEqual(cause);
});

test("an oom event explains the death that follows it, also when the container is gone by then", () => {
  const steps: Step[] = [
    [0, observed()],
    [5, heard(event("oom"))],
    [6, heard(die(1))],
    [7, { kind: "observed", container: undefined, afterLoss: false }],
  ];
  expect(causeAfter(steps)).toMatchObject({ kind: "out-of-memory" });
});

test("a child killed for its memory is no death of the container", () => {
  expect(
    after([
      [0, observed()],
      [5, heard(event("oom"))],
    ]),
  ).toHaveProperty("state");
});

test("a death counts even when the restart policy was quicker than we were", () => {
  const again = observed({ startedAt: "1970-01-01T00:00:30Z", restartCount: 1 });
  expect(
    causeAfter([
      [0, observed()],
      [5, heard(die(2))],
      [6, again],
    ]),
  ).toEqual({
    kind: "crashed",
    exitCode: 2,
  });
});

test("the death of an earlier run says nothing about this one", () => {
  const earlier = die(137, { timeNano: 9_000_000_000n });
  expect(
    after([
      [0, observed()],
      [5, heard(earlier)],
    ]),
  ).not.toHaveProperty("ask");
});

test.each([
  ["exited before anybody listened", { state: "exited", exitCode: 127 }, { kind: "crashed" }],
  [
    "restarting",
    { state: "restarting", exitCode: 1, restartCount: 4 },
    { kind: "crash-loop", restarts: 4 },
  ],
  ["refused by the engine", { state: "created", error: "exec: nope" }, { kind: "start-refused" }],
])("a container that is %s ends the wait at once", (_case, change, cause) => {
  expect(causeAfter([[0, observed(change)]])).toMatchObject(cause);
});

test("a container removed underneath ends the wait", () => {
  expect(
    causeAfter([
      [0, observed()],
      [5, heard(event("destroy"))],
    ]),
  ).toEqual({ kind: "removed" });
});

test("an engine that went away and took the container along decides nothing about it", () => {
  const stopped = container({ state: "exited", exitCode: 137 });
  const input: WaitInput = { kind: "observed", container: stopped, afterLoss: true };
  expect(
    after([
      [0, observed()],
      [5, input],
    ]),
  ).toEqual({ stoppedWithEngine: true });
});

test("an external service has nothing that could die, so its level counts at once", () => {
  expect(after([[50, ready]], toBeReady, false)).toEqual(isReached("ready"));
  expect(
    after(
      [[50, report({ state: "loading", progress_token: "l" })]],
      { ...toBeReady, level: "reachable" },
      false,
    ),
  ).toEqual(isReached("reachable"));
});
