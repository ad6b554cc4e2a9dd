/** What actions and their progress are called. Pure. */
import type { Progress } from "../apply/events.ts";
import type { Action, ActionKind } from "../plan/plan.ts";
import { count, formatBytes, formatDuration, formatShare } from "./units.ts";
import { printable, truncate } from "./width.ts";

/** The words for an action: while it runs, and once it is done. */
export type Words = Readonly<{ doing: string; done: string }>;

const verbs: Readonly<Record<ActionKind, readonly [doing: string, done: string]>> = {
  pull: ["pulling", "pulled"],
  build: ["building", "built"],
  "build-gateway": ["building", "built"],
  "create-network": ["creating", "created"],
  "create-volume": ["creating", "created"],
  "seed-secrets": ["writing", "wrote"],
  create: ["creating", "created"],
  connect: ["connecting to", "connected to"],
  start: ["starting", "started"],
  await: ["waiting until", ""],
  "pull-model": ["pulling", "pulled"],
  configure: ["configuring", "configured"],
  "create-key": ["making", "made"],
  "grant-key": ["giving it", "gave it"],
  switch: ["switching", "switched"],
  drain: ["waiting for", "finished"],
  update: ["updating", "updated"],
  stop: ["stopping", "stopped"],
  remove: ["removing", "removed"],
  "remove-network": ["removing", "removed"],
  "remove-volume": ["removing", "removed"],
};

/** The words for one action. */
export function wordsFor(action: Action): Words {
  const [doing, done] = verbs[action.kind];
  const what = objectOf(action);
  return { doing: `${doing} ${what}`, done: `${done} ${what}`.trim() };
}

function objectOf(action: Action): string {
  const plain = plainObjects[action.kind];
  if (plain !== undefined) return plain;
  return action.kind === "update" ? updatedPart(action) : objectNamed(action);
}

const updatedPart = ({ limits }: Extract<Action, { kind: "update" }>): string =>
  limits ? "limits" : "restart policy";

function objectNamed(action: Action): string {
  if ("target" in action) return action.target.oneShot ? "completed" : action.target.level;
  if ("container" in action) return `container ${nameOf(action.container)}`;
  if ("network" in action) return `network ${nameOf(action.network)}`;
  if ("volume" in action) return `volume ${nameOf(action.volume)}`;
  if ("model" in action) return `model ${action.model}`;
  return "image" in action ? action.image : "the gateway";
}

function nameOf(named: string | Readonly<{ name: string }>): string {
  return typeof named === "string" ? named : named.name;
}

const plainObjects: Readonly<Partial<Record<ActionKind, string>>> = {
  "build-gateway": "the gateway's image",
  "seed-secrets": "its secrets",
  configure: "the gateway",
  "create-key": "its first key",
  "grant-key": "its key of the gateway",
  drain: "open requests",
  switch: "the gateway over",
};

/** Says whether people may have to wait for such an action, so that its beginning is worth a line. */
export function takesTime(action: Action): boolean {
  return longKinds.has(action.kind);
}

const longKinds: ReadonlySet<ActionKind> = new Set([
  "pull",
  "build",
  "build-gateway",
  "await",
  "pull-model",
  "drain",
]);

/** How far an action is, in a few words: `34 % · 12.3/36 MB · 8.1 MB/s`. */
export function progressText(progress: Progress): string {
  switch (progress.kind) {
    case "pull": {
      const { downloadedBytes, totalBytes, status, layersDone, layers } = progress.pull;
      const amount = amountText(downloadedBytes, totalBytes, progress.bytesPerSecond);
      return amount === "" ? status : join(amount, `layer ${String(layersDone)}/${String(layers)}`);
    }
    case "model":
      return modelText(progress);
    case "build":
      return truncate(printable(progress.line).trim(), 100);
    case "await":
      return printable(progress.detail);
    case "drain":
      return `${count(progress.inFlight, "request")} in flight`;
  }
}

function modelText(progress: Extract<Progress, { kind: "model" }>): string {
  const { status, completedBytes, totalBytes, bytesPerSecond, remainingMs } = progress;
  const amount = amountText(completedBytes, totalBytes, bytesPerSecond);
  if (amount === "") return printable(status);
  return join(
    amount,
    remainingMs === undefined ? "" : `${formatDuration(wholeSeconds(remainingMs))} left`,
  );
}

/** Nobody wants to know more of what is only estimated. */
function wholeSeconds(ms: number): number {
  return Math.max(1, Math.round(ms / 1_000)) * 1_000;
}

function amountText(done: number, total: number, bytesPerSecond: number): string {
  if (total <= 0) return "";
  const percent = Math.min(100, Math.floor((done / total) * 100));
  const rate = bytesPerSecond > 0 ? `${formatBytes(bytesPerSecond)}/s` : "";
  return join(`${String(percent)} %`, formatShare(done, total), rate);
}

function join(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(" · ");
}
