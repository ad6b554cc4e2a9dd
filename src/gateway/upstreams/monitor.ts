/** Keeps looking at one upstream and remembers what was seen last. */
import { ask } from "./ask.ts";
import type { Backend } from "./backend.ts";
import type { Upstream } from "../config.ts";
import { askForMetadata } from "./ask-for-metadata.ts";
import type { Metadata } from "./metadata-schema.ts";
import { ModelFactBook } from "./model-facts.ts";
import { modelList, type Model } from "./model-list.ts";
import { probeUpstream } from "./probe.ts";
import type { ProbeReport } from "../protocol.ts";
import type { GatewaySettings } from "../settings.ts";

/** What is known of an upstream. */
export type Sighting = Readonly<{
  report: ProbeReport;
  /** Models it listed when it was last able to; the declared ones when it never was. */
  models: readonly Model[];
  /** Whether it has ever listed its models: only then is a model that is not listed unknown. */
  listed: boolean;
  /** Its own metadata, when it speaks the contract. */
  metadata: Metadata | undefined;
  /** What is wrong with its metadata; the parts concerned are left out of it. */
  metadataProblems: readonly string[];
}>;

type MonitorOptions = Readonly<{
  poll: GatewaySettings["poll"];
  /** What an earlier monitor of the same address saw last. */
  before: Sighting | undefined;
  onChange: (before: ProbeReport, after: ProbeReport) => void;
  /** Told when the metadata has become wrong in some way, or in another. */
  onProblems: (problems: readonly string[]) => void;
}>;

const askTimeoutMs = 5_000;
const firstPauseMs = 100;
/** Metadata changes rarely: it is read again at every so many looks. */
const looksPerMetadata = 6;

/** Looks at an upstream from `start` until `stop`. */
export class Monitor {
  readonly upstream: Upstream;
  readonly backend: Backend;
  readonly facts: ModelFactBook;
  readonly #options: MonitorOptions;
  #sighting: Sighting;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #stopped = false;
  #pauseMs = firstPauseMs;
  #looks = 0;

  constructor(upstream: Upstream, backend: Backend, options: MonitorOptions) {
    this.upstream = upstream;
    this.backend = backend;
    this.facts = new ModelFactBook(upstream, backend);
    this.#options = options;
    this.#sighting = options.before ?? neverSeen(upstream);
    this.#setLimit();
    backend.gate.share(upstream.shared_limits ?? []);
  }

  get sighting(): Sighting {
    return this.#sighting;
  }

  get ready(): boolean {
    return this.#sighting.report.state === "ready";
  }

  /** Looks now; everyone who asks while a look is under way gets that one. */
  look(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    clearTimeout(this.#timer);
    this.#looking ??= this.#beginLook();
    return this.#looking;
  }

  /** Looks anew, without regard to a look that is under way: that one may be waiting for what has changed since. */
  lookAnew(): Promise<void> {
    this.#looking = undefined;
    return this.look();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #beginLook(): Promise<void> {
    const isCurrent = () => this.#looking === looking && !this.#stopped;
    const looking = this.#lookOnce(isCurrent).finally(() => {
      if (!isCurrent()) return;
      this.#looking = undefined;
      this.#lookLater();
    });
    return looking;
  }

  async #lookOnce(isCurrent: () => boolean): Promise<void> {
    const since = performance.now();
    const { report, models } = await probeUpstream(this.backend, this.upstream);
    if (this.#isOnlyBusy(report, since)) return;
    const before = this.#sighting;
    const ready = report.state === "ready";
    const listed = ready ? await this.#listModels(models) : undefined;
    const told = ready ? await this.#readMetadata() : before;
    if (!isCurrent()) return;
    if (ready) this.#countReady();
    this.#sighting = {
      report,
      models: listed ?? before.models,
      listed: listed !== undefined || before.listed,
      metadata: told.metadata,
      metadataProblems: told.metadataProblems,
    };
    this.#setLimit();
    // Nobody waits for what only describes the models.
    if (listed) void this.facts.learn(listed);
    this.#tellProblems(before.metadataProblems, told.metadataProblems);
    if (before.report.state !== report.state) this.#options.onChange(before.report, report);
  }

  /** Who answers its clients is only too busy for the probe, and not gone. */
  #isOnlyBusy({ state }: ProbeReport, since: number): boolean {
    return state === "unreachable" && this.ready && this.backend.health.hasSucceededSince(since);
  }

  /** One that was ready before and then was not has come back. */
  #countReady(): void {
    if (!this.ready && this.#looks > 0) this.backend.health.comeBack();
    this.#looks += 1;
  }

  async #listModels(seen: readonly Model[] | undefined): Promise<readonly Model[] | undefined> {
    if (seen && this.upstream.probe.models !== "ollama") return seen;
    const list = modelList(this.upstream, "openai");
    const answer = await ask(this.backend, list.path, { timeoutMs: askTimeoutMs });
    return answer.kind === "answered" && answer.status === 200 ? list.read(answer.body) : undefined;
  }

  /** Who comes back may be another version: it is asked at once. */
  async #readMetadata(): Promise<Pick<Sighting, "metadata" | "metadataProblems">> {
    const before = this.#sighting;
    if (this.ready && this.#looks % looksPerMetadata !== 0) return before;
    const read = await askForMetadata(this.backend, askTimeoutMs);
    return read ? { metadata: read.metadata, metadataProblems: read.problems } : before;
  }

  #tellProblems(before: readonly string[], after: readonly string[]): void {
    if (after.length > 0 && after.join("\n") !== before.join("\n")) this.#options.onProblems(after);
  }

  #setLimit(): void {
    const declared = this.upstream.max_concurrency;
    this.backend.gate.setLimit(
      declared ?? this.#sighting.metadata?.capabilities?.max_concurrency ?? undefined,
    );
  }

  /** Ready upstreams are looked at calmly, others with growing pauses; all with jitter. */
  #lookLater(): void {
    if (this.#stopped) return;
    const { readyMs, unreadyMs } = this.#options.poll;
    this.#pauseMs = this.ready ? firstPauseMs : Math.min(unreadyMs, this.#pauseMs * 2);
    const pauseMs = (this.ready ? readyMs : this.#pauseMs) * (0.8 + Math.random() * 0.4);
    this.#timer = setTimeout(() => void this.look(), pauseMs).unref();
  }
}

function neverSeen(upstream: Upstream): Sighting {
  const report: ProbeReport = {
    state: "unreachable",
    detail: "not looked at yet",
    missing_models: [],
    present_models: [],
    progress_token: "",
  };
  const models = upstream.models.map((id) => ({ id, details: {} }));
  return { report, models, listed: false, metadata: undefined, metadataProblems: [] };
}
