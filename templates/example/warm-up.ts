/** Whether the service can work yet. Put your own loading into `run`; `/readyz` tells the world what it says here. */
import { setTimeout as pause } from "node:timers/promises";

/** The answer of `GET /readyz`. */
export type Readiness = {
  ready: boolean;
  status: "ready" | "loading" | "stopping";
  /** What is going on, and how far it is from 0 to 1: while it changes, Nexus waits patiently. */
  stage?: string;
  progress?: number;
  checks: Record<string, unknown>;
};

const steps = 20;

export class WarmUp {
  readonly #durationMs: number;
  #progress = 0;
  #isStopping = false;

  constructor(durationMs: number) {
    this.#durationMs = durationMs;
  }

  /** Loads what the service needs before it can work. */
  async run(): Promise<void> {
    for (let step = 1; step <= steps; step++) {
      if (this.#durationMs > 0) await pause(this.#durationMs / steps);
      this.#progress = step / steps;
    }
  }

  /** From now on the service is not ready, because it is about to end. */
  drain(): void {
    this.#isStopping = true;
  }

  /** How ready it is right now. */
  readiness(): Readiness {
    const isLoaded = this.#progress >= 1;
    const checks = { backend: "ok", model_loaded: isLoaded };
    if (this.#isStopping) return { ready: false, status: "stopping", checks };
    if (isLoaded) return { ready: true, status: "ready", checks };
    const stage = "loading the model";
    return { ready: false, status: "loading", stage, progress: this.#progress, checks };
  }
}
