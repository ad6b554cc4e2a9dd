/** Volumes, folders, tmpfs and configs, from every form that Compose has. Pure. */
import { isRecord } from "../../stack/record.ts";
import { type Draft, type Entry, entriesAt } from "./draft.ts";
import type { Values } from "./layers.ts";

const socket =
  "no service gets the engine's socket: whoever has it owns this machine; do without it";

/** Converts `volumes`. */
export function convertMounts(draft: Draft): void {
  for (const entry of entriesAt(draft.raw["volumes"], draft.seen["volumes"], ["volumes"])) {
    const mount = isRecord(entry.seen) ? longMount(draft, entry) : shortMount(draft, entry);
    draft.keepEach("volumes", mount ? [mount] : []);
  }
}

function isSocket(source: unknown): boolean {
  return /(?:docker|podman|containerd)\.sock$/.test(String(source));
}

function shortMount(draft: Draft, entry: Entry): Entry | undefined {
  const { raw, seen, from } = entry;
  const parts = String(seen).split(/:(?!\\)/);
  const [source = "", target, options = ""] = parts;
  if (isSocket(source)) {
    draft.note("left-out", from, socket);
    return undefined;
  }
  if (target === undefined) return unnamedMount(draft, source, entry);
  const known = new Set(["", "ro", "rw", "z", "Z", "cached", "delegated", "consistent", "nocopy"]);
  const words = options.split(",");
  for (const word of words.filter((each) => !known.has(each)))
    draft.note("left-out", from, `the option ${JSON.stringify(word)} of a mount is not offered`);
  if (words.some((word) => /^z$/i.test(word)))
    draft.note(
      "changed",
      from,
      "Nexus sets no SELinux labels: set them yourself where SELinux is on",
    );
  const plain = parts.length < 3 || ["ro", "rw"].includes(options);
  if (plain) return { raw, seen, from };
  const suffix = words.includes("ro") ? ":ro" : "";
  const cut = String(raw).replace(/:[A-Za-z,]+$/, "");
  return { raw: `${cut}${suffix}`, seen: `${source}:${target}${suffix}`, from };
}

/** A volume without a name is lost with its container: it gets one. */
function unnamedMount(draft: Draft, target: string, { from }: Entry): Entry {
  const name = `${draft.name}-${target.replace(/[^A-Za-z0-9]+/g, "-").replace(/^-|-$/g, "")}`;
  const message = `was a volume without a name: it is ${name} now and starts empty`;
  draft.note("changed", from, message);
  return { raw: `${name}:${target}`, seen: `${name}:${target}`, from };
}

const mountKeys = new Set(["type", "source", "target", "read_only"]);
const harmless = new Set(["bind.create_host_path", "consistency", "volume.nocopy"]);

function longMount(draft: Draft, { raw, seen, from }: Entry): Entry | undefined {
  if (!isRecord(raw) || !isRecord(seen)) return undefined;
  if (isSocket(seen["source"])) {
    draft.note("left-out", from, socket);
    return undefined;
  }
  const { type, source, target } = seen;
  if (type === "volume" && source === undefined)
    return unnamedMount(draft, String(target), { raw, seen, from });
  for (const key of optionsOf(seen).filter((name) => !harmless.has(name)))
    draft.note("left-out", from, `the option \`${key}\` of a mount is not offered`);
  return { raw: mountOf(raw), seen: mountOf(seen), from };
}

function optionsOf(mount: Values): readonly string[] {
  return Object.entries(mount).flatMap(([key, value]) => {
    if (mountKeys.has(key)) return [];
    if (!isRecord(value)) return [key];
    const taken = key === "tmpfs" ? ["size", "mode"] : [];
    return Object.keys(value)
      .filter((name) => !taken.includes(name))
      .map((name) => `${key}.${name}`);
  });
}

function mountOf(mount: Values): Values {
  const own = Object.entries(mount).filter(([key]) => mountKeys.has(key));
  const { tmpfs } = mount;
  const kept = isRecord(tmpfs)
    ? Object.entries(tmpfs).filter(([key]) => key === "size" || key === "mode")
    : [];
  return {
    ...Object.fromEntries(own),
    ...(kept.length > 0 && { tmpfs: Object.fromEntries(kept) }),
  };
}

/** Converts `configs`: files that are mounted, not to be written. */
export function convertConfigs(draft: Draft, configs: ReadonlyMap<string, Values>): void {
  for (const { raw, seen, from } of entriesAt(draft.raw["configs"], draft.seen["configs"], [
    "configs",
  ])) {
    const name = String(isRecord(seen) ? seen["source"] : seen);
    const target = isRecord(raw) ? (raw["target"] ?? `/${name}`) : `/${name}`;
    const { file } = configs.get(name) ?? {};
    if (typeof file !== "string") {
      draft.note(
        "left-out",
        from,
        `the config ${name} is no file of this folder: write it into one and mount it`,
      );
      continue;
    }
    if (isRecord(seen) && ["uid", "gid", "mode"].some((key) => key in seen))
      draft.note("changed", from, "is mounted with the owner and the mode that the file has");
    const source = /^[./~$]/.test(file) ? file : `./${file}`;
    const mount = { type: "bind", source, target, read_only: true };
    draft.keepEach("volumes", [{ raw: mount, seen: mount, from }]);
  }
}
