import { expect, test } from "vitest";
import { lineWriter } from "../../src/terminal/apply-lines.ts";
import { plainTheme } from "../../src/terminal/theme.ts";
import { failed, finished, network, pull, pulled, start, started, wait } from "./plans.ts";
import { progressText } from "../../src/terminal/wording.ts";

test("without a terminal each event worth reading is one line with its time", () => {
  const write = lineWriter(["stack", "ollama"], plainTheme);
  const lines = [
    write(started(network), 10),
    write(finished(network), 120),
    write(started(pull), 130),
    write(finished(pull, 12_000), 12_130),
    write(started(wait), 12_200),
    write(
      {
        kind: "progress",
        action: wait,
        progress: { kind: "await", detail: "503 loading", waitedMs: 6000 },
      },
      18_200,
    ),
    write(finished(wait), 20_000),
    write(failed(start, "exited with code 1"), 20_100),
  ];
  expect(lines.filter((line) => line !== undefined).join("\n")).toMatchInlineSnapshot(`
    "   0.1 s  stack   created network home
       0.1 s  ollama  pulling ollama/ollama:0.9
      12.1 s  ollama  pulled ollama/ollama:0.9 (12 s)
      12.2 s  ollama  waiting until ready
      18.2 s  ollama  waiting until ready · 503 loading
      20.0 s  ollama  ready
      20.1 s  ocr     failed starting container home-ocr-2: exited with code 1"
  `);
});

test("a download is told of after a second, then every five seconds", () => {
  const write = lineWriter(["ollama"], plainTheme);
  write(started(pull), 0);
  const times = Array.from({ length: 120 }, (_, at) => at * 100);
  expect(times.filter((at) => write(pulled(at * 3e3), at) !== undefined)).toEqual([
    1000, 6000, 11_000,
  ]);
});

test("a model's progress tells how long it will take, once that is known", () => {
  const progress = { kind: "model", model: "a:1", status: "pulling", totalBytes: 36e6 } as const;
  const begun = { ...progress, completedBytes: 12.3e6, bytesPerSecond: 0 };
  expect(progressText(begun)).toBe("34 % · 12.3/36 MB");
  expect(progressText({ ...begun, bytesPerSecond: 8.1e6, remainingMs: 2_925 })).toBe(
    "34 % · 12.3/36 MB · 8.1 MB/s · 3 s left",
  );
});
