/** Waits until a service is at its level, or until it is known why it will not be. */
import { exitCodes, NexusError } from "../errors.ts";
import { engineCause } from "./cause.ts";
import { type Clock, systemClock } from "./clock.ts";
import { GatewayLostError, StoppedWithEngineError } from "./errors.ts";
import type { ContainerNews, EventFeed, WatchedEngine } from "./event-feed.ts";
import type { GatewayLink } from "./gateway-link.ts";
import { beginWait, judge, nextDeadline } from "./judge.ts";
import type { WaitInput, WaitState, WaitTarget } from "./judge.ts";
import type { Verdict } from "./readiness.ts";
import { isProbeReport } from "./report.ts";
import { describeWait } from "./story.ts";

/** What a wait is waiting for, in a sentence, and for how long it has. */
export type WaitProgress = Readonly<{ detail: string; waitedMs: number }>;

/** One service to wait for. */
export type ServiceWait = Readonly<{
  engine: WatchedEngine;
  feed: EventFeed;
  target: WaitTarget;
  /** Undefined for an external service. */
  containerId: string | undefined;
  /** Asked for only when the service speaks HTTP. */
  link: () => Promise<GatewayLink>;
  onProgress?: (progress: WaitProgress) => void;
  clock?: Clock;
  signal?: AbortSignal;
}>;

/**
 * Resolves as soon as the verdict is certain: a container that dies, is killed or removed ends the wait at once.
 * Rejects with the signal's reason when it aborts, and with the engine's failure when the engine is lost: then
 * nothing is known of the service.
 */
export async function awaitService(wait: ServiceWait): Promise<Verdict> {
  wait.signal?.throwIfAborted();
  return new Waiting(wait).verdict();
}

class Waiting {
  readonly #wait: ServiceWait;
  readonly #clock: Clock;
  readonly #verdict = Promise.withResolvers<Verdict>();
  readonly #over = new AbortController();
  #state: WaitState;
  #cancelTick = (): void => {};
  #told = "";

  constructor(wait: ServiceWait) {
    this.#wait = wait;
    this.#clock = wait.clock ?? systemClock;
    this.#state = beginWait(wait.target, wait.containerId !== undefined, this.#clock.now());
  }

  async verdict(): Promise<Verdict> {
    const { signal, containerId, target, feed } = this.#wait;
    const abort = (): void => this.#verdict.reject(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    const unsubscribe =
      containerId === undefined
        ? undefined
        : feed.subscribe(containerId, (news) => this.#hear(news));
    if (target.upstream && target.level !== "running") this.#run(this.#watch(target.upstream));
    if (target.oneShot && containerId !== undefined) this.#run(this.#followOutput(containerId));
    this.#scheduleTick();
    try {
      return await this.#verdict.promise;
    } finally {
      signal?.removeEventListener("abort", abort);
      unsubscribe?.();
      this.#cancelTick();
      this.#over.abort();
    }
  }

  #take(input: WaitInput): void {
    if (this.#over.signal.aborted) return;
    const judgement = judge(this.#state, input, this.#clock.now());
    if ("verdict" in judgement) return this.#verdict.resolve(judgement.verdict);
    if ("stoppedWithEngine" in judgement) return this.#verdict.reject(new StoppedWithEngineError());
    this.#state = judgement.state;
    if (judgement.ask === "inspect") this.#run(this.#inspect());
    if (judgement.ask === "prove") this.#run(this.#prove());
    this.#scheduleTick();
    this.#tell();
  }

  #hear(news: ContainerNews): void {
    if (news.kind === "lost") this.#fail(news.error);
    else this.#take(news);
  }

  async #watch(upstream: NonNullable<WaitTarget["upstream"]>): Promise<void> {
    const until = this.#wait.target.level === "reachable" ? "reachable" : "ready";
    const onProgress = (progress: unknown): void => {
      if (isProbeReport(progress)) this.#take({ kind: "report", report: progress });
    };
    const link = await this.#wait.link();
    const options = { onProgress, signal: this.#over.signal };
    const report = await link.call({ op: "watch", upstream, until }, options);
    this.#take({ kind: "report", report });
  }

  async #prove(): Promise<void> {
    const { upstream } = this.#wait.target;
    if (!upstream) return;
    const link = await this.#wait.link();
    const { status, detail } = await link.call(
      { op: "prove", upstream },
      { signal: this.#over.signal },
    );
    const isProven = status >= 200 && status < 300;
    this.#take(
      isProven
        ? { kind: "proven" }
        : { kind: "failed", cause: { kind: "request-failed", status, detail } },
    );
  }

  async #followOutput(containerId: string): Promise<void> {
    const options = { follow: true, tail: 0 };
    const lines = this.#wait.engine.containers.logs(containerId, options, this.#over.signal);
    const reader = lines[Symbol.asyncIterator]();
    while (!(await reader.next()).done) this.#take({ kind: "output" });
  }

  async #inspect(): Promise<void> {
    const { containerId, engine } = this.#wait;
    if (containerId === undefined) return;
    const container = await engine.containers.inspect(containerId);
    this.#take({ kind: "observed", container, afterLoss: false });
  }

  /** What was started ends with the wait: failures that come later are its own end. */
  #run(doing: Promise<void>): void {
    doing.catch((error: unknown) => this.#fail(error));
  }

  #fail(error: unknown): void {
    if (this.#over.signal.aborted) return;
    if (error instanceof GatewayLostError) this.#run(this.#blameGateway(error));
    else if (error instanceof NexusError && error.exitCode !== exitCodes.engine) {
      this.#take({ kind: "failed", cause: engineCause(error) });
    } else this.#verdict.reject(error);
  }

  /** A gateway that is lost together with its engine is no fault of the gateway's. */
  async #blameGateway(error: GatewayLostError): Promise<void> {
    await this.#wait.engine.describe();
    this.#take({ kind: "failed", cause: engineCause(error) });
  }

  #scheduleTick(): void {
    this.#cancelTick();
    const deadline = nextDeadline(this.#state);
    if (deadline === undefined) return;
    const delayMs = Math.max(0, deadline - this.#clock.now());
    this.#cancelTick = this.#clock.after(delayMs, () => this.#take({ kind: "tick" }));
  }

  #tell(): void {
    const detail = describeWait(this.#state);
    if (detail === this.#told) return;
    this.#told = detail;
    const waitedMs = this.#clock.now() - this.#state.startedAt;
    this.#wait.onProgress?.({ detail, waitedMs });
  }
}
