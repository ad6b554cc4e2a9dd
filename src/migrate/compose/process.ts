/** What runs, when it starts, and what it may. Pure. */
import { isRecord } from "../../stack/record.ts";
import { type Draft, entriesAt } from "./draft.ts";
import { wordOf } from "./fill.ts";
import { pairsOf } from "./environment.ts";

const buildKeys = new Set(["context", "dockerfile", "args", "target"]);

/** Converts `build`, or `image` where nothing is built. */
export function convertImage(draft: Draft): void {
  const { raw, seen } = draft;
  const build = isRecord(raw["build"]) ? raw["build"] : { context: raw["build"] };
  if (raw["build"] === undefined || raw["build"] === null) {
    if (raw["image"] !== undefined) draft.keep("image");
    return;
  }
  const { build: read } = seen;
  const context = isRecord(read) ? read["context"] : read;
  if (/^(?:https?:|git@|ssh:|git:)|\.git(?:#|$)/.test(String(context)))
    return draft.note(
      "left-out",
      ["build"],
      "fetches sources from elsewhere: clone them, and build that folder",
    );
  for (const key of Object.keys(build).filter((name) => !buildKeys.has(name)))
    draft.note(
      "left-out",
      ["build", key],
      "Nexus builds from `context`, `dockerfile`, `args` and `target` alone",
    );
  const kept = Object.entries({ context: ".", ...build }).filter(([key]) => buildKeys.has(key));
  const value = Object.fromEntries(kept);
  const meant = isRecord(read) ? Object.entries({ context: ".", ...read }) : kept;
  draft.keep(
    "build",
    ["build"],
    value,
    Object.fromEntries(meant.filter(([key]) => buildKeys.has(key))),
  );
  if (raw["image"] !== undefined)
    draft.note(
      "changed",
      ["image"],
      "was only the name of what is built: Nexus names it by its content",
    );
}

/** Converts `depends_on`; services that are not there are left out. */
export function convertDependencies(draft: Draft, names: ReadonlyMap<string, string>): void {
  const { depends_on: given } = draft.seen;
  const pairs = isRecord(given) ? Object.entries(given) : pairsOf(given);
  const kept = pairs.flatMap(([name, wish]) => {
    const called = names.get(name);
    if (called === undefined) {
      draft.note("left-out", ["depends_on", name], "there is no such service");
      return [];
    }
    const { condition, required, ...others } = isRecord(wish) ? wish : {};
    if (others["restart"] === true)
      draft.note(
        "left-out",
        ["depends_on", name],
        "it is not started anew with what it depends on",
      );
    const said = {
      ...(condition !== undefined && { condition }),
      ...(required !== undefined && { required }),
    };
    return [[called, said] as const];
  });
  if (kept.length > 0) draft.keep("depends_on", ["depends_on"], Object.fromEntries(kept));
}

/** Converts `restart`. A service that is not restarted and has nothing to be asked is a job to Nexus. */
export function convertRestart(draft: Draft, isJob: boolean): void {
  const { restart } = draft.seen;
  if (isJob) draft.keys["restart"] = "no";
  else if (restart === undefined) return;
  else if (restart !== "no" && restart !== false) draft.keep("restart");
  else
    draft.note(
      "changed",
      ["restart"],
      "starts again when it fails: with `no` it would be a job here, done when it exits",
    );
}

const healthKeys = new Set(["test", "interval", "timeout", "retries", "start_period", "disable"]);

/** Converts `healthcheck`. */
export function convertHealthcheck(draft: Draft): void {
  const [raw, seen] = [draft.raw["healthcheck"], draft.seen["healthcheck"]];
  if (!isRecord(raw) || !isRecord(seen)) return;
  for (const key of Object.keys(raw).filter((name) => !healthKeys.has(name)))
    draft.note("left-out", ["healthcheck", key], "Nexus does not know this key of a check");
  const pick = (value: Readonly<Record<string, unknown>>): unknown =>
    Object.fromEntries(Object.entries(value).filter(([key]) => healthKeys.has(key)));
  if (raw["test"] === undefined && seen["disable"] === undefined)
    return draft.note(
      "left-out",
      ["healthcheck"],
      "changes the image's own check: write its `test` as well",
    );
  draft.keep("healthcheck", ["healthcheck"], pick(raw), pick(seen));
}

/** What Docker grants everybody and what images that begin as root need to hand over to their user. */
const granted = [
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "NET_BIND_SERVICE",
  "SETGID",
  "SETUID",
];

/** Converts capabilities; a service that nobody limited keeps what Docker granted it, as far as that is common. */
export function convertCapabilities(draft: Draft, isKnown: boolean): void {
  draft.keepEach("cap_add", entriesAt(draft.raw["cap_add"], draft.seen["cap_add"], ["cap_add"]));
  const dropped = entriesAt(draft.raw["cap_drop"], draft.seen["cap_drop"], ["cap_drop"]).map(
    ({ seen }) => String(seen).toUpperCase().replace(/^CAP_/, ""),
  );
  const isRoot = /^(?:|root|0)(?::|$)/.test(wordOf(draft.seen["user"] ?? ""));
  const isNothing = draft.keys["image"] === undefined && draft.keys["build"] === undefined;
  if (dropped.includes("ALL") || isKnown || !isRoot || isNothing) return;
  const kept = granted.filter((name) => !dropped.includes(name));
  draft.keys["cap_add"] = [...new Set([...kept, ...[draft.keys["cap_add"] ?? []].flat()])];
  draft.note(
    "changed",
    [],
    "keeps the capabilities that Docker grants a process of root, no others: take away from `cap_add` what it does without",
  );
}

/** Converts `security_opt`: nobody gains privileges anyway. */
export function convertSecurity(draft: Draft): void {
  for (const { seen, from } of entriesAt(draft.raw["security_opt"], draft.seen["security_opt"], [
    "security_opt",
  ])) {
    if (/^no-new-privileges(?:[:=]true)?$/.test(String(seen))) continue;
    draft.note("left-out", from, "the engine's own profiles stay, and nobody gains privileges");
  }
}

/** Converts `env_file`. */
export function convertEnvFiles(draft: Draft): void {
  for (const entry of entriesAt(draft.raw["env_file"], draft.seen["env_file"], ["env_file"])) {
    const { raw, seen, from } = entry;
    const cut = (value: unknown): unknown => {
      if (!isRecord(value)) return value;
      const { format: _, ...rest } = value;
      return rest;
    };
    if (isRecord(seen) && seen["format"] !== undefined)
      draft.note(
        "changed",
        [...from, "format"],
        "is read with Compose's usual rules: write `$` as `$$`",
      );
    draft.keepEach("env_file", [{ raw: cut(raw), seen: cut(seen), from }]);
  }
}

/** Converts `labels`. */
export function convertLabels(draft: Draft): void {
  const pairs = pairsOf(draft.raw["labels"]);
  const own = pairs.filter(([name]) => !/^(?:io\.nexus\.|com\.docker\.)/.test(name));
  for (const [name] of pairs.filter((pair) => !own.includes(pair)))
    draft.note(
      "left-out",
      ["labels", name],
      "labels that begin with io.nexus. or com.docker. are set by programs",
    );
  if (own.length > 0) draft.keep("labels", ["labels"], Object.fromEntries(own));
}
