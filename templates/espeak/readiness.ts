/** Whether the service can speak: it has, the last time that it was tried. */

/** The answer of `GET /readyz`. */
export type Report = {
  ready: boolean;
  status: "ready" | "loading" | "failed" | "stopping";
  checks: Record<string, unknown>;
};

export class Readiness {
  readonly #tryToSpeak: () => Promise<void>;
  #trial: Promise<void> | undefined;
  #ready = false;
  #failure: string | undefined;
  #stopping = false;

  constructor(tryToSpeak: () => Promise<void>) {
    this.#tryToSpeak = tryToSpeak;
  }

  /** Tries to speak; everyone who asks meanwhile waits for the same trial. Never rejects. */
  async try(): Promise<void> {
    this.#trial ??= this.#tryToSpeak()
      .then(
        () => this.#judge(undefined),
        (error: unknown) => this.#judge(String(error)),
      )
      .finally(() => (this.#trial = undefined));
    await this.#trial;
  }

  /** It is about to end. */
  drain(): void {
    this.#stopping = true;
  }

  /** How ready it is right now; when it is not, the next trial begins. */
  report(): Report {
    const checks = { speech: this.#failure ?? (this.#ready ? "ok" : "not tried yet") };
    if (this.#stopping) return { ready: false, status: "stopping", checks };
    if (this.#ready) return { ready: true, status: "ready", checks };
    void this.try();
    return { ready: false, status: this.#failure === undefined ? "loading" : "failed", checks };
  }

  #judge(failure: string | undefined): void {
    this.#ready = failure === undefined;
    this.#failure = failure;
  }
}
