import { expect, test } from "vitest";
import type { ApplyReport } from "../../src/apply/events.ts";
import { formatReport } from "../../src/terminal/report.ts";

const report: ApplyReport = {
  durationMs: 4200,
  interrupted: false,
  warnings: [],
  services: [
    { service: "gateway", outcome: "unchanged", level: "ready" },
    { service: "ollama", outcome: "ready", level: "ready" },
    { service: "seed", outcome: "completed", level: "completed" },
    {
      service: "ocr",
      outcome: "failed",
      failure: {
        service: "ocr",
        cause: { kind: "crashed", exitCode: 1 },
        message: "It ended with exit code 1.",
        remedy: "Read all of it with `nexus logs ocr`.",
        logs: [{ stream: "stderr", text: "ImportError: \u001B[31mnumpy\u001B[0m\r" }],
      },
    },
    { service: "web", outcome: "blocked" },
  ],
};

test("the report names every service, and of a failure its cause, last lines and remedy", () => {
  expect(formatReport(report)).toMatchInlineSnapshot(`
    "✔ gateway  ready, unchanged
    ✔ ollama   ready
    ✔ seed     completed
    ✘ ocr      failed
        It ended with exit code 1.
        │ ImportError: numpy
        → Read all of it with \`nexus logs ocr\`.
    – web      not started

    5 services: 1 ready, 1 completed, 1 unchanged, 1 blocked, 1 failed (4.2 s)
    Next: nexus logs ocr · nexus doctor · then nexus up again"
  `);
});

test("an interrupted apply says that it can be finished", () => {
  expect(formatReport({ ...report, interrupted: true })).toContain(
    "interrupted, run it again to finish",
  );
});

test("a report of nothing to change says so", () => {
  expect(formatReport({ services: [], durationMs: 0, interrupted: false, warnings: [] })).toBe(
    "✔ Nothing to change: 0 services as wanted.",
  );
});
