/** What carrying out a migration needs from outside: this machine's disk, the old hosts, the engine, the stack's gateway. */
import type { ApplyReport } from "../../apply/events.ts";
import type { ApiAccess } from "../../apply/gateway-api.ts";
import type { Engine } from "../../engine/engine.ts";
import type { GatewayLink } from "../../readiness/gateway-link.ts";
import type { Stack } from "../../stack/stack.ts";
import type { MigrationPlan, Step } from "../migration-plan.ts";
import type { SourceTree } from "../source/tree.ts";
import type { Disk } from "./disk.ts";
import { SourceGoneError } from "./errors.ts";
import type { MigrationEvent, StepProgress } from "./events.ts";
import type { Journal, Traces } from "./journal.ts";
import type { MigrationPaths } from "./paths.ts";

/** The stack as a migration changes it and talks with it. */
export type StackWorld = Readonly<{
  engine: Engine;
  /** Reads the stack file for the engine's machine. */
  load: (file: string) => Promise<Stack>;
  /** What `nexus up` does. */
  bringUp: (stack: Stack) => Promise<ApplyReport>;
  /** What `nexus down --volumes` does, without a question; of the volumes only those named, unless all are meant. */
  takeDown: (stack: string, volumes: readonly string[] | "all") => Promise<ApplyReport>;
  /** An image of the engine whose `/data` is as the gateway's volume is to be. */
  gatewayImage: (stack: Stack) => Promise<string>;
  /** Uses the control channel of the running gateway. */
  gateway: <Result>(stack: string, use: (link: GatewayLink) => Promise<Result>) => Promise<Result>;
  /** The way to the API of the running gateway. */
  api: (stack: string) => Promise<Omit<ApiAccess, "key">>;
}>;

/** What the entry points are given. */
export type MigrationOptions = Readonly<{
  world: StackWorld;
  /** The old hosts that can be reached now. */
  trees: readonly SourceTree[];
  disk: Disk;
  onEvent: (event: MigrationEvent) => void;
  /** Aborted when the user interrupts: nothing new is begun then. */
  signal: AbortSignal;
}>;

/** What a step works with. */
export type StepContext = MigrationOptions &
  Readonly<{ plan: MigrationPlan; paths: MigrationPaths; journal: Journal }>;

/** One run of one step. */
export type StepRun = Readonly<{
  /** What the first run found before it changed anything. */
  begun: Traces;
  /** Parts that are done. */
  parts: ReadonlySet<string>;
  /** Notes a part as done. */
  part: (name: string) => Promise<void>;
  tell: (progress: StepProgress) => void;
}>;

/** How one kind of step is done: looks first and refuses what is in the way, then makes what is not there yet. */
export type StepWorker<Kind extends Step["kind"]> = Readonly<{
  begin: (step: Extract<Step, { kind: Kind }>, context: StepContext) => Promise<Traces>;
  carryOut: (
    step: Extract<Step, { kind: Kind }>,
    context: StepContext,
    run: StepRun,
  ) => Promise<Traces>;
}>;

/** The tree of a host. Throws SourceGoneError, which names what was wanted of it. */
export function treeOf(trees: readonly SourceTree[], host: string, what: string): SourceTree {
  const tree = trees.find((each) => each.host === host);
  if (tree === undefined) throw new SourceGoneError(host, what);
  return tree;
}
