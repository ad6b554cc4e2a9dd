import { expect, test } from "vitest";
import {
  after,
  causeAfter,
  heard,
  isReached,
  job,
  observed,
  ready,
  tick,
  toBeProven,
  withoutHttp,
  type Step,
} from "./judge-steps.ts";
import { die, event } from "./stub-engine.ts";

test("ready is reached when the probe said so and the container stayed up for the stability window", () => {
  const steps: Step[] = [
    [0, observed()],
    [50, ready],
  ];
  expect(after(steps)).toMatchObject({ state: { levelSince: 50 } });
  expect(after([...steps, [349, tick]])).not.toHaveProperty("ask");
  expect(after([...steps, [350, tick]])).toMatchObject({ ask: "inspect" });
  expect(after([...steps, [350, tick], [351, observed()]])).toEqual(isReached("ready"));
});

test("a job is completed when it exits 0, and has crashed when it does not", () => {
  const quick = observed({ state: "exited" });
  expect(after([[0, quick]], job)).toEqual(isReached("completed"));
  expect(
    after(
      [
        [0, observed()],
        [9, heard(die(0))],
        [10, quick],
      ],
      job,
    ),
  ).toEqual(isReached("completed"));
  expect(causeAfter([[0, observed({ state: "exited", exitCode: 2 })]], job)).toMatchObject({
    kind: "crashed",
  });
});

test("a service without HTTP is up when it runs and stays up", () => {
  const steps: Step[] = [
    [0, observed()],
    [300, tick],
    [301, observed()],
  ];
  expect(after(steps, withoutHttp)).toEqual(isReached("running"));
});

test("a service without HTTP that has a health check has to pass it", () => {
  const starting: Step[] = [
    [0, observed({ health: "starting" })],
    [300, tick],
  ];
  expect(after(starting, withoutHttp)).toMatchObject({ state: { health: "starting" } });
  const passed: Step[] = [
    ...starting,
    [400, heard(event("health_status: healthy"))],
    [700, tick],
    [701, observed({ health: "healthy" })],
  ];
  expect(after(passed, withoutHttp)).toEqual(isReached("running"));
});

test("proven takes a real request after ready, asked for once", () => {
  expect(
    after(
      [
        [0, observed()],
        [50, ready],
      ],
      toBeProven,
    ),
  ).toMatchObject({ ask: "prove" });
  expect(
    after(
      [
        [0, observed()],
        [50, ready],
        [60, ready],
      ],
      toBeProven,
    ),
  ).not.toHaveProperty("ask");
  const steps: Step[] = [
    [0, observed()],
    [50, ready],
    [90, { kind: "proven" }],
    [390, tick],
    [391, observed()],
  ];
  expect(after(steps, toBeProven)).toEqual(isReached("proven"));
});
