import { expect, test } from "vitest";
import { countTests, verdict } from "./count.ts";

const whole = { exitCode: 0, selected: false };

function reportOf(overrides: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({
    numPassedTests: 3,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    testResults: [],
    ...overrides,
  });
}

test("a run whose tests all passed ends with the count alone", () => {
  expect(verdict(countTests(reportOf({})), whole)).toEqual({
    text: "3 passed, 0 failed",
    passed: true,
  });
});

test("a file that cannot even be loaded counts as a failure", () => {
  const testResults = [{ name: "broken.test.ts", status: "failed", assertionResults: [] }];

  expect(verdict(countTests(reportOf({ testResults })), { ...whole, exitCode: 1 })).toEqual({
    text: "3 passed, 1 failed",
    passed: false,
  });
});

test("an error outside any test fails the run and is counted", () => {
  const { text, passed } = verdict(countTests(reportOf({})), { ...whole, exitCode: 1 });

  expect(passed).toBe(false);
  expect(text.split("\n").at(-1)).toBe("3 passed, 1 failed");
});

test("a skipped test fails a whole run but not a selection", () => {
  const count = countTests(reportOf({ numPendingTests: 1 }));

  expect(verdict(count, whole).passed).toBe(false);
  expect(verdict(count, { ...whole, selected: true }).passed).toBe(true);
});

test("a run without tests fails", () => {
  expect(verdict(countTests(reportOf({ numPassedTests: 0 })), whole).passed).toBe(false);
});
