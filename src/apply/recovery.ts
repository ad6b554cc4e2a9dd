/** Puts old containers back in charge where their replacements did not come through. */
import type { Action, Plan } from "../plan/plan.ts";
import { GatewayLostError } from "../readiness/errors.ts";
import type { ApplyEvent } from "./events.ts";
import { perform } from "./perform.ts";
import type { Ending } from "./pipeline.ts";
import type { World } from "./world.ts";

const gatewayName = "gateway";
const touching: ReadonlySet<Action["kind"]> = new Set(["create", "connect", "start", "stop"]);

/** What is put back, each service at most once. */
export class Recovery {
  /** Services whose old container could not be put back: nothing serves for them. */
  readonly lost = new Set<string>();
  readonly #plan: Plan;
  readonly #world: World;
  readonly #endings: ReadonlyMap<string, Ending>;
  readonly #onEvent: (event: ApplyEvent) => void;
  readonly #begun = new Map<string, Promise<void>>();

  constructor(
    plan: Plan,
    world: World,
    told: Readonly<{
      endings: ReadonlyMap<string, Ending>;
      onEvent: (event: ApplyEvent) => void;
    }>,
  ) {
    this.#plan = plan;
    this.#world = world;
    this.#endings = told.endings;
    this.#onEvent = told.onEvent;
  }

  /** Begins to put a service's old container back, unless the new one serves already; `settled` waits for it. */
  begin(service: string): void {
    if (this.#begun.has(service) || this.#handedOver(service)) return;
    this.#begun.set(service, this.#recover(service));
  }

  /** Begins it for every service whose replacement was begun and never came through, whatever stood in its way. */
  async undoHalfDone(): Promise<void> {
    const halfDone = Object.keys(this.#plan.recoveries).filter((name) => this.#isHalfDone(name));
    // The others are switched back through the gateway.
    if (halfDone.includes(gatewayName)) this.begin(gatewayName);
    await this.settled();
    for (const service of halfDone) this.begin(service);
  }

  /** Resolves when all that was begun has ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#begun.values());
  }

  #isHalfDone(service: string): boolean {
    const actions = this.#plan.actions.filter((action) => action.service === service);
    const isDone = ({ id }: Action) => this.#endings.get(id)?.outcome === "done";
    return (
      actions.some((each) => touching.has(each.kind) && isDone(each)) && !actions.every(isDone)
    );
  }

  /** From the switch on (or the last wait, where nothing is switched) the new container serves. */
  #handedOver(service: string): boolean {
    const actions = this.#plan.actions.filter((action) => action.service === service);
    const gate =
      actions.find(({ kind }) => kind === "switch") ??
      actions.findLast(({ kind }) => kind === "await");
    return gate !== undefined && this.#endings.get(gate.id)?.outcome === "done";
  }

  /** A step that fails does not keep the next ones from being tried. */
  async #recover(service: string): Promise<void> {
    for (const action of this.#plan.recoveries[service] ?? []) {
      if (this.#isNeedless(action)) continue;
      const since = performance.now();
      this.#onEvent({ kind: "started", action });
      try {
        await perform(action, this.#world, unhurried);
        this.#onEvent({ kind: "finished", action, durationMs: performance.now() - since });
      } catch (error) {
        if (error instanceof GatewayLostError) this.#world.forgetLink();
        this.lost.add(service);
        const message = error instanceof Error ? error.message : String(error);
        this.#onEvent({ kind: "failed", action, message });
      }
    }
  }

  /** What failed before there was a container leaves none to remove. */
  #isNeedless(action: Action): boolean {
    return action.kind === "remove" && this.#world.containerIfKnown(action.container) === undefined;
  }
}

/** Also after an interruption the old container is waited for: the user leaves with the stack serving, or knows. */
const unhurried = { tell: () => undefined, signal: new AbortController().signal };
