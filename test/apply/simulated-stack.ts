/** A stack on an engine in memory, with a gateway that sees which containers run: enough to apply real plans. */
import { changeStack, type ChangeOptions, type Survey } from "../../src/apply/bring-up.ts";
import type { ApplyEvent, ApplyReport } from "../../src/apply/events.ts";
import { askForKeys, readServiceKeys } from "../../src/apply/service-keys.ts";
import type { Execution } from "../../src/engine/engine.ts";
import { configHash, type GatewayConfig } from "../../src/gateway/config.ts";
import {
  type ControlReply,
  type KeyRecord,
  recordOf,
  type StackReadiness,
} from "../../src/gateway/protocol.ts";
import type { UserRecord } from "../../src/gateway/user.ts";
import { planUp } from "../../src/plan/plan-up.ts";
import type { Plan } from "../../src/plan/plan.ts";
import type { Stack } from "../../src/stack/stack.ts";
import { GatewayStub, type SeenRequest } from "../readiness/gateway-stub.ts";
import { readinessOf, upInput } from "../support/builders.ts";
import { type Behaviour, InMemoryEngine } from "../support/in-memory-engine.ts";

/** The images that simulated stacks are made of. */
const images = ["db:1", "db:2", "web:1", "web:2", "nexus-gateway:abc", "nexus-gateway:new"];

const made = new Date("2026-01-01T00:00:00Z");

/** An engine in memory whose gateways answer, and whose calls can be made to fail. */
export class SimulatedEngine extends InMemoryEngine {
  /** Images whose containers never become ready. */
  readonly neverReady = new Set<string>();
  /** Called before every call that is recorded by this name, such as `start`: what it throws is what the call throws. */
  before: (call: string, subject: string) => void | Promise<void> = () => undefined;
  config: GatewayConfig | undefined;
  /** The keys that the gateway has in its volume. */
  readonly keys: KeyRecord[] = [recordOf("nx_mine", { name: "default", scopes: ["admin"] }, made)];
  /** The users that it has. */
  readonly users: UserRecord[] = [];
  readonly stubs: GatewayStub[] = [];

  constructor(behaviour: (image: string) => Behaviour = () => ({})) {
    super({ images, behaviour: ({ image }) => behaviour(image) });
    const { containers } = this;
    const start = containers.start.bind(containers);
    containers.start = async (id) => {
      await this.before("start", this.nameOf(id));
      await start(id);
    };
    containers.exec = async (id) => this.#openGateway(id);
  }

  override async describe(): ReturnType<InMemoryEngine["describe"]> {
    await this.before("describe", "");
    return super.describe();
  }

  nameOf(id: string): string {
    return this.world.containers.get(id)?.request.name ?? id;
  }

  /** Names of the containers that run, sorted. */
  get running(): readonly string[] {
    return [...this.world.containers.values()]
      .filter(({ state }) => state === "running")
      .map(({ request }) => request.name)
      .toSorted();
  }

  /** What the gateway that runs says of its upstreams, as `up` is told it. */
  get readiness(): StackReadiness | undefined {
    if (this.config === undefined || !this.running.some((name) => name.includes("gateway"))) return;
    const { upstreams } = this.config;
    const seen = upstreams.map(({ id, url }) => ({ id, url, state: this.#stateAt(url) }));
    return readinessOf(configHash(this.config), seen);
  }

  #stateAt(url: string): "ready" | "unreachable" {
    const name = new URL(url).hostname;
    const held = [...this.world.containers.values()].find(({ request }) => request.name === name);
    const serves = held?.state === "running" && !this.neverReady.has(held.request.image);
    return serves ? "ready" : "unreachable";
  }

  /** The very same once more changes nothing. */
  #addUser(user: UserRecord): void {
    if (!this.users.some(({ name }) => name === user.name)) this.users.push(user);
  }

  #openGateway(id: string): Execution {
    if (this.world.containers.get(id)?.state !== "running") throw new Error("it does not run");
    const stub = new GatewayStub((request, send) => void this.#answer(stub, request, send));
    this.stubs.push(stub);
    return stub;
  }

  async #answer(stub: GatewayStub, request: SeenRequest, send: (reply: ControlReply) => void) {
    const { id } = request;
    try {
      await this.before(request.op, "");
    } catch {
      return stub.exit(137);
    }
    if (request.op === "configure") this.config = request.config;
    if (request.op === "watch") {
      const [report] = readinessOf("", [
        { ...request.upstream, state: this.#stateAt(request.upstream.url) },
      ]).services;
      if (report) send(report.state === "ready" ? { id, ok: report } : { id, progress: report });
      return;
    }
    if (request.op === "keys.add") this.keys.push(request.key);
    if (request.op === "users.add") this.#addUser(request.user);
    const lists = { "keys.list": this.keys, "users.list": this.users };
    send({ id, ok: request.op in lists ? lists[request.op as keyof typeof lists] : null });
  }
}

/** What a change of a simulated stack did. */
export type Changed = Readonly<{ report: ApplyReport; plans: readonly Plan[] }>;

/** Brings a simulated stack up. */
export async function bringUp(
  engine: SimulatedEngine,
  stack: Stack,
  options: Readonly<{
    gatewayImage?: string;
    signal?: AbortSignal;
    onEvent?: (event: ApplyEvent) => void;
  }> = {},
): Promise<Changed> {
  const plans: Plan[] = [];
  const { gatewayImage = "nexus-gateway:abc", onEvent = () => undefined } = options;
  const survey = async (): Promise<Survey> => {
    const observed = await engine.observe(stack.name, images);
    const { readiness } = engine;
    const { byService, fresh } = await readServiceKeys(stack);
    const keys = readiness && (await askForKeys(engine, observed));
    const gateway = {
      image: gatewayImage,
      ...(readiness && { readiness }),
      ...(keys && { keys }),
    };
    const plan = planUp(upInput(stack, { observed, gateway, serviceKeys: byService }));
    // Assembled nowhere: the image is there.
    const unused = {} as Survey["gatewayImage"];
    const description = await engine.describe();
    return { plan, observed, description, gatewayImage: unused, freshKeys: fresh };
  };
  const change: ChangeOptions = {
    engine,
    stack: stack.name,
    command: "nexus up",
    survey,
    onPlan: async (plan) => void plans.push(plan),
    onEvent,
    consent: async () => true,
    waitForLockMs: 0,
    signal: options.signal ?? new AbortController().signal,
  };
  return { report: await changeStack(change), plans };
}
