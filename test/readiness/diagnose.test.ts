import { expect, test } from "vitest";
import type { LogLine } from "../../src/engine/engine.ts";
import { diagnose } from "../../src/readiness/diagnose.ts";

async function* lines(...texts: readonly string[]): AsyncIterable<LogLine> {
  for (const text of texts) yield { stream: "stdout", text };
}

const cause = { kind: "crashed", exitCode: 1 } as const;

test("a failure carries its cause, its words and at most the last twenty lines", async () => {
  const many = Array.from({ length: 30 }, (_, index) => `line ${index}`);
  const engine = { containers: { logs: () => lines(...many, "exec format error") } };

  const failure = await diagnose({ engine, service: "a", containerId: "c1", cause });

  expect(failure).toMatchObject({
    service: "a",
    cause,
    message: expect.stringContaining("processor"),
  });
  expect(failure.logs).toHaveLength(20);
  expect(failure.logs.at(-1)?.text).toBe("exec format error");
});

test("logs that cannot be read do not hide the failure", async () => {
  const logs = (): AsyncIterable<LogLine> => ({
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error("no such log driver")) }),
  });
  const failure = await diagnose({
    engine: { containers: { logs } },
    service: "a",
    containerId: "c1",
    cause,
  });
  expect(failure).toMatchObject({ message: "a crashed with exit code 1.", logs: [] });
});

const signatures = [
  { pattern: "kv cache .* exceeds", message: "its context is too long.", remedy: "Shorten it." },
  { pattern: "ValueError", message: "its arguments do not fit", remedy: "Correct `command`." },
];

test("a service's own signatures are believed first, also of lines that are not shown", async () => {
  const noise = Array.from({ length: 100 }, (_, index) => `  File "x.py", line ${index}`);
  const engine = {
    containers: {
      logs: () => lines("ValueError: bad", "KV cache of 9 GiB exceeds", ...noise, "EADDRINUSE"),
    },
  };
  const failure = await diagnose({ engine, service: "a", containerId: "c1", cause, signatures });
  expect(failure).toMatchObject({
    message: "a crashed with exit code 1: its context is too long.",
    remedy: "Shorten it.",
  });
  expect(failure.logs).toHaveLength(20);
});

test.each([
  [{ kind: "not-ready", status: 500, detail: "GET /health answered 500" }, /answered 500: its arg/],
  [{ kind: "still-loading", detail: "GET /health answered 503" }, /answered 503: its arguments/],
  [{ kind: "request-failed", status: 500, detail: "boom" }, /boom: its arguments do not fit\.$/],
  [{ kind: "never-listened", port: 9 }, /on its port 9: its arguments do not fit\.$/],
] as const)(
  "a signature explains a service that runs and does not serve: %j",
  async (how, said) => {
    const engine = { containers: { logs: () => lines("ValueError: bad") } };
    const failing = { engine, service: "a", containerId: "c1", cause: how, signatures };
    expect(await diagnose(failing)).toMatchObject({
      message: expect.stringMatching(said),
      remedy: "Correct `command`.",
    });
  },
);

test("a line without an end costs no more than a long one", async () => {
  const engine = { containers: { logs: () => lines(`${"a".repeat(5_000_000)} ValueError`) } };
  const failing = { engine, service: "a", containerId: "c1", cause };
  const backtracking = [{ pattern: "(a+)b|ValueError", message: "never", remedy: "never" }];
  const failure = await diagnose({ ...failing, signatures: backtracking });
  expect(failure.message).toBe("a crashed with exit code 1.");
});
