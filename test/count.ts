/** Counts of a test run, read from vitest's JSON report, and what they mean. */
import { z } from "zod";

const report = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ status: z.string() })),
    }),
  ),
});

/** How many tests passed, failed and did not run. */
export type Count = Readonly<{ passed: number; failed: number; skipped: number }>;

/** Reads the report; a file that failed outside its tests counts as one failure. */
export function countTests(json: string): Count {
  const { testResults, ...counts } = report.parse(JSON.parse(json));
  const broken = testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && !assertionResults.some((test) => test.status === "failed"),
  );
  return {
    passed: counts.numPassedTests,
    failed: counts.numFailedTests + broken.length,
    skipped: counts.numPendingTests + counts.numTodoTests,
  };
}

/**
 * The closing lines of a run and whether it counts as passed: nothing failed, something ran, and nothing was
 * skipped unless the caller selected tests.
 */
export function verdict(
  count: Count,
  run: Readonly<{ exitCode: number; selected: boolean }>,
): Readonly<{ text: string; passed: boolean }> {
  const unexplained = run.exitCode !== 0 && count.failed === 0;
  const failed = count.failed + (unexplained ? 1 : 0);
  const line = `${count.passed} passed, ${failed} failed`;
  const skipping = count.skipped > 0 && !run.selected;
  const because = [
    ...(unexplained ? [`The run ended with exit code ${run.exitCode} outside any test.`] : []),
    ...(skipping ? [`${count.skipped} tests did not run; none may be skipped.`] : []),
    ...(count.passed + failed === 0 ? ["No test ran."] : []),
  ];
  return { text: [...because, line].join("\n"), passed: failed === 0 && because.length === 0 };
}
