/** Limits, GPUs and restarts, from `deploy` and from the keys that came before it. Pure. */
import type { Path } from "../../stack/problem.ts";
import { isRecord } from "../../stack/record.ts";
import { type Draft, entriesAt } from "./draft.ts";
import { wordOf } from "./fill.ts";
import type { Values } from "./layers.ts";

/** Converts `deploy`, `runtime` and `gpus`. */
export function convertResources(draft: Draft): void {
  if (draft.seen["gpus"] !== undefined) draft.keep("gpus");
  convertRuntime(draft);
  const { raw, seen } = draft;
  const [deploy, read] = [raw["deploy"], seen["deploy"]];
  if (!isRecord(deploy) || !isRecord(read)) return;
  for (const key of Object.keys(deploy)) convertDeploy(draft, key, [deploy[key], read[key]]);
}

function convertRuntime(draft: Draft): void {
  const { runtime, environment } = draft.seen;
  if (runtime === undefined) return;
  if (runtime !== "nvidia") {
    draft.note("left-out", ["runtime"], "containers run in the engine's own runtime");
    return;
  }
  const visible = isRecord(environment) ? environment["NVIDIA_VISIBLE_DEVICES"] : undefined;
  if (draft.keys["gpus"] === undefined) draft.keys["gpus"] = gpusOf(visible);
  draft.note("changed", ["runtime"], "asks for GPUs with `gpus` now, and gets them by their UUIDs");
}

function gpusOf(visible: unknown): unknown {
  if (visible === undefined || visible === null || visible === "all") return "all";
  const ids = wordOf(visible).split(",").filter(Boolean);
  if (ids.length === 0 || ids[0] === "none" || ids[0] === "void") return "none";
  return ids.every((id) => /^\d+$/.test(id)) ? ids.length : ids;
}

type Both = readonly [raw: unknown, seen: unknown];

function convertDeploy(draft: Draft, key: string, [raw, seen]: Both): void {
  const at = ["deploy", key];
  if (key === "resources" && isRecord(raw) && isRecord(seen)) convertAmounts(draft, raw, seen);
  else if (key === "restart_policy" && isRecord(seen)) convertRestartPolicy(draft, seen);
  else if (key === "replicas" && Number(seen) === 1) return;
  else
    draft.note(
      "left-out",
      at,
      deployRefusals[key] ?? "is for clusters: a stack runs on one engine",
    );
}

const deployRefusals: Readonly<Record<string, string>> = {
  replicas: "one container a service: write a second service for a second one",
  labels: "are labels for a cluster's service: use `labels`",
};

function convertAmounts(draft: Draft, raw: Values, seen: Values): void {
  const [limits, read] = [raw["limits"], seen["limits"]];
  if (isRecord(limits) && isRecord(read)) {
    for (const key of Object.keys(limits)) convertLimit(draft, key, [limits[key], read[key]]);
  }
  const [reserved, seenReserved] = [raw["reservations"], seen["reservations"]];
  if (!isRecord(reserved) || !isRecord(seenReserved)) return;
  const at = ["deploy", "resources", "reservations"];
  for (const key of Object.keys(reserved).filter((name) => name !== "devices"))
    draft.note("left-out", [...at, key], "nothing is reserved but GPUs: use the limits");
  const devices = entriesAt(reserved["devices"], seenReserved["devices"], [...at, "devices"]);
  for (const device of devices) convertDevice(draft, device.seen, device.from);
}

const limitKeys = { memory: "mem_limit", cpus: "cpus", pids: "pids_limit" } as const;

function convertLimit(draft: Draft, key: string, [raw, seen]: Both): void {
  const from = ["deploy", "resources", "limits", key];
  if (key === "memory" || key === "cpus" || key === "pids")
    draft.keep(limitKeys[key], from, raw, seen);
  else draft.note("left-out", from, "Nexus does not know this limit");
}

/** A GPU that is reserved. */
function convertDevice(draft: Draft, device: unknown, from: Path): void {
  if (!isRecord(device)) return;
  if (!isGpu(device)) return draft.note("left-out", from, "only GPUs can be reserved");
  if (device["options"] !== undefined)
    draft.note("left-out", from, "options of a GPU's driver are not offered");
  const { count, device_ids: ids } = device;
  if (Array.isArray(ids) && ids.length > 0)
    return draft.keep("gpus", from, namedGpus(draft, ids.map(String), from));
  draft.keep("gpus", from, count === -1 ? "all" : (count ?? "all"));
}

function isGpu({ driver, capabilities }: Values): boolean {
  return [capabilities].flat().includes("gpu") || driver === "nvidia" || driver === "amd";
}

/** Numbers are no names that last: GPUs by number become as many. */
function namedGpus(draft: Draft, ids: readonly string[], from: Path): unknown {
  if (!ids.every((id) => /^\d+$/.test(id))) return ids;
  const message = `asks for ${ids.length} of the GPUs now, not for these numbers: \`nexus gpu ls\` tells UUIDs, which stay`;
  draft.note("changed", from, message);
  return ids.length;
}

const conditions: Readonly<Record<string, string>> = {
  none: "no",
  "on-failure": "on-failure",
  any: "unless-stopped",
};

function convertRestartPolicy(draft: Draft, policy: Values): void {
  const from = ["deploy", "restart_policy"];
  const { condition = "any", max_attempts: attempts, delay, window } = policy;
  const word = conditions[String(condition)];
  const limit = word === "on-failure" && attempts !== undefined ? `:${wordOf(attempts)}` : "";
  draft.keep("restart", from, `${word ?? String(condition)}${limit}`);
  if (delay !== undefined || window !== undefined)
    draft.note("left-out", from, "the engine chooses the time between restarts");
}
