import { expect, test } from "vitest";
import type { ApplyReport } from "../../src/apply/events.ts";
import { exitCodeOf } from "../../src/apply/report.ts";
import { withGpuFailures } from "../../src/apply/review-gpus.ts";
import type { ServiceStatus } from "../../src/apply/stack-status.ts";

const untouched: ApplyReport = {
  services: [
    { service: "ollama", outcome: "unchanged" },
    { service: "web", outcome: "unchanged" },
  ],
  warnings: [],
  durationMs: 0,
  interrupted: false,
};

const status = (service: string, change: Partial<ServiceStatus> = {}): ServiceStatus => ({
  service,
  kind: "container",
  restarts: 0,
  ports: [],
  state: "ready",
  atLevel: true,
  sentence: `${service} is ready.`,
  ...change,
});

const lost = status("ollama", {
  atLevel: false,
  cause: { kind: "gpu-unused", detail: "inside its container: NVML", lost: true },
  sentence: "ollama has lost its GPU.",
  remedy: "Run `nexus restart ollama`.",
});

test("an up with nothing to do fails for a service that has lost its GPU, and names it", () => {
  const report = withGpuFailures(untouched, [lost, status("web")]);
  expect(exitCodeOf(report)).toBe(4);
  expect(report.services).toMatchObject([
    { outcome: "failed", failure: { message: "ollama has lost its GPU.", cause: { lost: true } } },
    { service: "web", outcome: "unchanged" },
  ]);
});

test("services that use their GPUs, or fail for another reason, are left to the rest of the report", () => {
  const loading = status("ollama", { atLevel: false, cause: { kind: "unhealthy", detail: "" } });
  expect(withGpuFailures(untouched, [status("ollama"), status("web")])).toEqual(untouched);
  expect(withGpuFailures(untouched, [loading])).toEqual(untouched);
});
