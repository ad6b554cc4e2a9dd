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
