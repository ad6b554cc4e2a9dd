/** What apply knows while it works: ids that the engine gave, the gateway's channel, the event feed. */
import type { ContainerRequest, Engine, Observed } from "../engine/engine.ts";
import type { GatewayConfig, Upstream } from "../gateway/config.ts";
import type { Action, Plan } from "../plan/plan.ts";
import { DiskBook } from "../readiness/disk-book.ts";
import type { EventFeed } from "../readiness/event-feed.ts";
import { type GatewayLink, openGatewayLink } from "../readiness/gateway-link.ts";
import type { Certified } from "./certificate-files.ts";
import { ObjectGoneError } from "./errors.ts";
import type { Progress } from "./events.ts";
import type { GatewayImage } from "./gateway-image.ts";
import type { Signatures } from "./signatures.ts";

/** What apply needs from outside. */
export type ApplyContext = Readonly<{
  engine: Engine;
  observed: Observed;
  feed: EventFeed;
  gatewayImage: GatewayImage;
  /** By service: keys of the gateway that the plan was made for and no file holds yet. */
  freshKeys?: ReadonlyMap<string, string>;
  /** Aborted when the user interrupts: nothing new is started then. */
  signal: AbortSignal;
  signatures?: Signatures;
}>;

/** Names resolved to ids, and connections opened once; lives as long as one apply. */
export class World {
  readonly context: ApplyContext;
  readonly requests: ReadonlyMap<string, ContainerRequest>;
  /** The room that all model pulls of this apply share. */
  readonly disk = new DiskBook();
  readonly #containers: Map<string, string>;
  readonly #networks: Map<string, string>;
  #gateway: string | undefined;
  #config: GatewayConfig | undefined;
  #link: Promise<GatewayLink> | undefined;
  #base: Promise<void> | undefined;
  readonly #warnings: string[] = [];

  constructor(plan: Plan, context: ApplyContext) {
    const { containers, networks } = context.observed;
    this.context = context;
    this.requests = new Map(plan.actions.flatMap((action) => requestOf(action)));
    this.#containers = new Map(containers.map(({ name, id }) => [name, id]));
    this.#networks = new Map(networks.map(({ name, id }) => [name, id]));
    this.#gateway = gatewayName(plan, context.observed);
  }

  container(name: string): string {
    return known(this.#containers.get(name), "container", name);
  }

  network(name: string): string {
    return known(this.#networks.get(name), "network", name);
  }

  /** The id of a container, if it has one yet. */
  containerIfKnown(name: string): string | undefined {
    return this.#containers.get(name);
  }

  rememberContainer(name: string, id: string): void {
    this.#containers.set(name, id);
  }

  rememberNetwork(name: string, id: string): void {
    this.#networks.set(name, id);
  }

  /** The control channel, opened at its first use and again after it broke. */
  link(): Promise<GatewayLink> {
    this.#link ??= openGatewayLink(
      this.context.engine,
      this.container(this.#gateway ?? "gateway"),
    ).catch((error: unknown) => {
      this.#link = undefined;
      throw error;
    });
    return this.#link;
  }

  /** From now on this is the gateway that is spoken to: the new one, or the old one that was put back. */
  turnTo(gateway: string): void {
    if (gateway === this.#gateway) return;
    const former = this.#link;
    void former?.then((link) => link.close()).catch(() => undefined);
    this.#gateway = gateway;
    this.#link = undefined;
  }

  /** After the channel broke: the next use opens a new one. */
  forgetLink(): void {
    this.#link = undefined;
  }

  /** Gives the gateway a configuration, and the certificate for it unless it has that; later switches start from it. */
  async configure(config: GatewayConfig, certified?: Certified): Promise<void> {
    this.#config = config;
    const link = await this.link();
    await link.call({ op: "configure", config, ...(certified && { tls: certified }) });
  }

  /** Replaces one upstream in the configuration given before; without one the gateway still has its own. */
  async switchTo(upstream: Upstream): Promise<void> {
    const config = this.#config;
    if (config === undefined) return;
    const upstreams = config.upstreams.map((each) => (each.id === upstream.id ? upstream : each));
    await this.configure({ ...config, upstreams });
  }

  /** Something that the user should know though nothing failed, in a sentence without its full stop. */
  warn(warning: string): void {
    this.#warnings.push(warning);
  }

  /** Everything that was warned of so far. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** Runs `prepare` once, however many actions need what it prepares. */
  once(prepare: () => Promise<void>): Promise<void> {
    this.#base ??= prepare();
    return this.#base;
  }

  async close(): Promise<void> {
    const link = await this.#link?.catch(() => undefined);
    await link?.close();
  }
}

/** How far an action is, told while it is under way. */
export type Tell = (progress: Progress) => void;

function known<Value>(value: Value | undefined, kind: string, name: string): Value {
  if (value === undefined) throw new ObjectGoneError(kind, name);
  return value;
}

function requestOf(action: Action): [string, ContainerRequest][] {
  return action.kind === "create" ? [[action.container.name, action.container]] : [];
}

/** The gateway's container: the one the plan makes, else the one that serves now. */
function gatewayName(plan: Plan, observed: Observed): string | undefined {
  const planned = plan.actions
    .flatMap((action) => requestOf(action))
    .find(([, { identity }]) => identity.role === "gateway");
  const gateways = observed.containers.filter(({ identity }) => identity?.role === "gateway");
  const newest = gateways.toSorted(
    (a, b) => (b.identity?.generation ?? 0) - (a.identity?.generation ?? 0),
  );
  return planned?.[0] ?? (newest.find(({ state }) => state === "running") ?? newest[0])?.name;
}
