import { expect, test } from "vitest";
import { brokenFiles, countFiles, countTests, verdict } from "./count.ts";

const whole = { exitCode: 0, selected: false };

type Results = Readonly<Record<string, readonly string[]>>;

/** Files by name, with how each of their tests ended; one without tests could not be loaded. */
function filesOf(results: Results) {
  const testResults = Object.entries(results).map(([name, statuses]) => ({
    name,
    status: statuses.includes("failed") || statuses.length === 0 ? "failed" : "passed",
    assertionResults: statuses.map((status) => ({ status })),
  }));
  return countFiles(JSON.stringify({ testResults }));
}

const threePassed: Results = { "a.test.ts": ["passed", "passed", "passed"] };

test("a run whose tests all passed ends with the count alone", () => {
  expect(verdict(countTests(filesOf(threePassed)), whole)).toEqual({
    text: "3 passed, 0 failed",
    passed: true,
  });
});

test("a file that cannot even be loaded counts as a failure", () => {
  const count = countTests(filesOf({ ...threePassed, "broken.test.ts": [] }));

  expect(verdict(count, { ...whole, exitCode: 1 })).toEqual({
    text: "3 passed, 1 failed",
    passed: false,
  });
});

test("an error outside any test fails the run and is counted", () => {
  const { text, passed } = verdict(countTests(filesOf(threePassed)), { ...whole, exitCode: 1 });

  expect(passed).toBe(false);
  expect(text.split("\n").at(-1)).toBe("3 passed, 1 failed");
});

test("a skipped test fails a whole run but not a selection", () => {
  const count = countTests(filesOf({ "a.test.ts": ["passed", "pending"] }));

  expect(verdict(count, whole).passed).toBe(false);
  expect(verdict(count, { ...whole, selected: true }).passed).toBe(true);
});

test("a run without tests fails", () => {
  expect(verdict(countTests(filesOf({})), whole).passed).toBe(false);
});

test("a file that was run a second time counts as it came out then", () => {
  const first = filesOf({ ...threePassed, "b.test.ts": ["failed", "passed"], "c.test.ts": [] });
  expect(brokenFiles(first)).toEqual(["b.test.ts", "c.test.ts"]);

  const second = filesOf({ "b.test.ts": ["passed", "passed"], "c.test.ts": ["failed"] });
  expect(countTests(first, second)).toEqual({ passed: 5, failed: 1, skipped: 0 });
});
