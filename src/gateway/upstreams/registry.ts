/** The configuration in force and the upstreams it names. A swap replaces it whole; requests in flight keep what they began with. */
import { setTimeout as delay } from "node:timers/promises";
import type { Backends } from "./backend.ts";
import {
  canonicalJson,
  configHash,
  gatewayConfigSchema,
  type GatewayConfig,
  type Upstream,
} from "../config.ts";
import { readJsonFile, writeJsonFile } from "../json-file.ts";
import type { Log } from "../metrics/log.ts";
import { Monitor } from "./monitor.ts";
import type { GatewaySettings } from "../settings.ts";

/** One configuration and everything derived from it. */
export type Snapshot = Readonly<{
  /** Undefined until a configuration was accepted. */
  config: GatewayConfig | undefined;
  hash: string;
  /** By service id, in the order of the configuration. */
  monitors: ReadonlyMap<string, Monitor>;
}>;

type RegistryOptions = Readonly<{
  settings: Pick<GatewaySettings, "configFile" | "poll">;
  backends: Backends;
  log: Log;
}>;

/** How long a swap waits for a first look at what is new in it, so that a ready upstream is never taken for an unready one. */
const firstLookMs = 500;
const lookAgainMs = 1_000;

/** Holds the snapshot in force. */
export class Registry {
  readonly #options: RegistryOptions;
  #snapshot: Snapshot = { config: undefined, hash: "", monitors: new Map() };
  #lookedAgainAt = -Infinity;
  #changing: Promise<unknown> = Promise.resolve();
  /** Those of the configuration that is about to be in force. */
  #coming: Snapshot["monitors"] = new Map();

  /** By service id, what was proven last. */
  readonly #proven = new Map<string, string>();

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Loads the configuration of the last run; one that does not hold up is told and leaves nothing in force. */
  async load(): Promise<void> {
    try {
      const document = await readJsonFile(this.#options.settings.configFile);
      if (document !== undefined) await this.#swap(gatewayConfigSchema.parse(document));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.log("error", "config.rejected", { reason });
    }
  }

  /** Validates, persists and swaps; throws, with the old one still in force, when one of them fails. */
  configure(document: GatewayConfig): Promise<string> {
    const change = this.#changing.then(async () => {
      const config = gatewayConfigSchema.parse(document);
      await writeJsonFile(this.#options.settings.configFile, config);
      await this.#swap(config);
      return this.#snapshot.hash;
    });
    this.#changing = change.catch(() => {});
    return change;
  }

  /** Remembers, until the gateway ends, that an upstream was proven, whether or not it is routed to yet. */
  rememberProven(upstream: Upstream): void {
    this.#proven.set(upstream.id, provenAs(upstream));
  }

  /** Whether an upstream was proven where it is now, with what it is to provide now. */
  isProven(upstream: Upstream): boolean {
    return this.#proven.get(upstream.id) === provenAs(upstream);
  }

  /** Looks at every ready upstream again, for somebody who asks for what nobody has; at most once a second. */
  async lookAgain(): Promise<void> {
    const now = performance.now();
    if (now - this.#lookedAgainAt < lookAgainMs) return;
    this.#lookedAgainAt = now;
    const ready = [...this.#snapshot.monitors.values()].filter((monitor) => monitor.ready);
    const looks = Promise.all(ready.map((monitor) => monitor.look()));
    await Promise.race([looks, delay(firstLookMs, undefined, { ref: false })]);
  }

  /** Looks anew at an upstream of the configuration in force, or about to be, if it is at this address there. */
  async lookAnewAt({ id, url }: Pick<Upstream, "id" | "url">): Promise<void> {
    const monitors = [this.#snapshot.monitors.get(id), this.#coming.get(id)];
    const there = monitors.flatMap((monitor) => (monitor?.upstream.url === url ? [monitor] : []));
    await Promise.all([...new Set(there)].map((monitor) => monitor.lookAnew()));
  }

  /** Stops looking at upstreams. */
  stop(): void {
    for (const monitor of this.#snapshot.monitors.values()) monitor.stop();
  }

  async #swap(config: GatewayConfig): Promise<void> {
    const before = this.#snapshot.monitors;
    const entries = config.upstreams.map((upstream) => {
      const old = before.get(upstream.id);
      const kept = old && same(old.upstream, upstream) ? old : undefined;
      return { upstream, monitor: kept ?? this.#monitor(upstream, old), isNew: kept === undefined };
    });
    const monitors = new Map(entries.map(({ upstream, monitor }) => [upstream.id, monitor]));
    this.#coming = monitors;
    const looks = entries.map(({ monitor }) => monitor.look());
    const fresh = looks.filter((_, index) => entries[index]?.isNew);
    await Promise.race([Promise.all(fresh), delay(firstLookMs, undefined, { ref: false })]);
    this.#snapshot = { config, hash: configHash(config), monitors };
    this.#coming = new Map();
    this.#retire([...before.values()].filter((old) => monitors.get(old.upstream.id) !== old));
    this.#options.log("info", "config.in_force", {
      config_hash: this.#snapshot.hash,
      services: [...monitors.keys()],
    });
  }

  /** At an address that is already known, what was seen there last holds until the next look. */
  #monitor(upstream: Upstream, old: Monitor | undefined): Monitor {
    const { backends, settings, log } = this.#options;
    return new Monitor(upstream, backends.retain(upstream), {
      poll: settings.poll,
      before: old?.upstream.url === upstream.url ? old.sighting : undefined,
      onProblems: (problems) =>
        log("warn", "upstream.metadata_invalid", { service: upstream.id, problems }),
      onChange: (before, after) =>
        log(after.state === "ready" ? "info" : "warn", "upstream.state", {
          service: upstream.id,
          from: before.state,
          to: after.state,
          detail: after.detail,
        }),
    });
  }

  #retire(monitors: readonly Monitor[]): void {
    for (const monitor of monitors) {
      monitor.stop();
      this.#options.backends.release(monitor.upstream);
    }
  }
}

function provenAs({ url, api_path: api, models, provides }: Upstream): string {
  return canonicalJson({ url, api, models, provides });
}

function same(a: Upstream, b: Upstream): boolean {
  return canonicalJson(a) === canonicalJson(b);
}
