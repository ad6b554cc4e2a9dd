/** Counts of a test run, read from vitest's JSON report, and what they mean. */
import { z } from "zod";

const report = z.object({
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

/** A test file's count. */
export type FileCount = Readonly<{ file: string } & Count>;

/** Reads the report; a file that failed outside its tests counts as one failure. */
export function countFiles(json: string): readonly FileCount[] {
  const { testResults } = report.parse(JSON.parse(json));
  return testResults.map(({ name: file, status, assertionResults }) => {
    const passed = assertionResults.filter((test) => test.status === "passed").length;
    const failed = assertionResults.filter((test) => test.status === "failed").length;
    const skipped = assertionResults.length - passed - failed;
    return { file, passed, failed: status === "failed" ? Math.max(1, failed) : failed, skipped };
  });
}

/** The files that failed. */
export function brokenFiles(counts: readonly FileCount[]): readonly string[] {
  return counts.filter(({ failed }) => failed > 0).map(({ file }) => file);
}

/** All files together; what was run a second time counts as it came out then. */
export function countTests(first: readonly FileCount[], second: readonly FileCount[] = []): Count {
  const again = new Set(second.map(({ file }) => file));
  const last = [...first.filter(({ file }) => !again.has(file)), ...second];
  const sum = (key: keyof Count) => last.reduce((total, count) => total + count[key], 0);
  return { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped") };
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
