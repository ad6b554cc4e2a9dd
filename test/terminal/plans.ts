import type { ApplyEvent } from "../../src/apply/events.ts";
import type { Action, Plan } from "../../src/plan/plan.ts";

const common = { after: [], because: "missing" };

export const network: Action = {
  ...common,
  id: "create-network home",
  kind: "create-network",
  network: { name: "home", stack: "home", internal: false },
};
export const pull: Action = {
  ...common,
  id: "pull ollama",
  kind: "pull",
  image: "ollama/ollama:0.9",
  service: "ollama",
};
export const wait: Action = {
  ...common,
  id: "await ollama",
  kind: "await",
  container: "home-ollama-1",
  service: "ollama",
  target: { level: "ready", stallTimeoutMs: 1000, stableMs: 300, oneShot: false },
};
export const start: Action = {
  ...common,
  id: "start ocr",
  kind: "start",
  container: "home-ocr-2",
  service: "ocr",
};
export const putBack: Action = {
  ...common,
  id: "back ocr",
  kind: "start",
  container: "home-ocr-1",
  service: "ocr",
};

export const plan: Plan = {
  stack: "home",
  actions: [pull, network, wait, start],
  recoveries: { ocr: [putBack] },
  unchanged: [],
  warnings: [],
};

export function started(action: Action): ApplyEvent {
  return { kind: "started", action };
}
export function finished(action: Action, durationMs = 100): ApplyEvent {
  return { kind: "finished", action, durationMs };
}
export function failed(action: Action, message: string): ApplyEvent {
  return { kind: "failed", action, message };
}
export function pulled(downloadedBytes: number): ApplyEvent {
  const progress = {
    status: "Downloading",
    downloadedBytes,
    totalBytes: 36e6,
    layersDone: 1,
    layers: 3,
  };
  return {
    kind: "progress",
    action: pull,
    progress: { kind: "pull", pull: progress, bytesPerSecond: 8.1e6 },
  };
}
