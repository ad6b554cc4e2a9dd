/** Networks and secrets of a service. Pure. */
import { isRecord } from "../../stack/record.ts";
import { type Draft, entriesAt } from "./draft.ts";
import { pairsOf } from "./environment.ts";
import { wordOf } from "./fill.ts";
import type { Values } from "./layers.ts";

/** Converts `networks` and `network_mode`: a stack has one network, and those who may not leave it. */
export function convertNetworks(draft: Draft, networks: ReadonlyMap<string, Values>): void {
  const { networks: given, network_mode: mode } = draft.seen;
  if (mode !== undefined && mode !== "bridge" && mode !== "default") {
    const host =
      "does not share this machine's network: publish what others need under `ports`, and use host.docker.internal (`extra_hosts`) to reach this machine";
    draft.note(
      "left-out",
      ["network_mode"],
      mode === "host" ? host : "every service is in the stack's network, under its own name",
    );
  }
  const pairs = isRecord(given) ? Object.entries(given) : pairsOf(given);
  for (const [name, options] of pairs) noteOptions(draft, name, options);
  const inside =
    pairs.length > 0 && pairs.every(([name]) => networks.get(name)?.["internal"] === true);
  if (!inside) return;
  draft.keys["egress"] = false;
  if (draft.keys["ports"] === undefined) return;
  delete draft.keys["ports"];
  draft.note("left-out", ["ports"], "were never reachable: its networks are internal");
}

function noteOptions(draft: Draft, network: string, options: unknown): void {
  for (const [key, value] of Object.entries(isRecord(options) ? options : {})) {
    const own =
      key === "aliases" && Array.isArray(value) && value.every((alias) => alias === draft.name);
    const message =
      key === "aliases"
        ? "others reach it by its service's name only: change addresses that use another one"
        : "the engine gives out addresses";
    if (!own) draft.note("left-out", ["networks", network, key], message);
  }
}

/** Converts `secrets`; returns the files that they are, by the name under which the service reads them. */
export function convertSecrets(
  draft: Draft,
  secrets: ReadonlyMap<string, Values>,
): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const { seen, from } of entriesAt(draft.raw["secrets"], draft.seen["secrets"], [
    "secrets",
  ])) {
    const source = wordOf(isRecord(seen) ? seen["source"] : seen);
    const target = isRecord(seen) ? wordOf(seen["target"] ?? source) : source;
    const name = target.replace(/^\/run\/secrets\//, "");
    if (isRecord(seen) && ["uid", "gid", "mode"].some((key) => key in seen))
      draft.note("changed", from, "is readable by the service's own user, whoever that is");
    if (name.includes("/")) {
      draft.note("left-out", from, "secrets are read below /run/secrets only");
      continue;
    }
    const { file } = secrets.get(source) ?? {};
    if (typeof file === "string") files.set(name, file);
    else draft.note("decide", from, `is in no file: put its value into .nexus/secrets/${name}`);
    draft.keepEach("secrets", [{ raw: name, seen: name, from }]);
  }
  return files;
}
