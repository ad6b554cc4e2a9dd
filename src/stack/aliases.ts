/** Aliases that lead to other aliases and hold under conditions, made into lists that the gateway can just walk. Pure. */
import type { AliasCaps, AliasRule } from "../gateway/config.ts";
import type { Member } from "./members.ts";
import { type AliasCondition, type AliasSpec, conditionsOf, targetsOf } from "./schema/alias.ts";
import type { GatewaySettings } from "./stack.ts";

/** Aliases as written, by name. */
export type AliasSpecs = Readonly<Record<string, AliasSpec>>;

/** What is known of names: aliases, and models that services declare, which come first. */
export type Names = Readonly<{ aliases: AliasSpecs; models: ReadonlySet<string> }>;

/** Every model that some service declares, those of other profiles among them. */
export function declaredModels(members: readonly Pick<Member, "spec">[]): ReadonlySet<string> {
  return new Set(members.flatMap(({ spec }) => spec.models ?? []));
}

/** The alias that targets stand for; undefined where they are targets themselves. An alias stands alone. */
export function aliasIn(
  targets: readonly string[],
  { aliases, models }: Names,
): string | undefined {
  const [only] = targets;
  if (only === undefined || targets.length > 1 || models.has(only)) return undefined;
  return Object.hasOwn(aliases, only) ? only : undefined;
}

/** The way by which an alias leads back to itself; undefined for none. */
export function cycleFrom(start: string, names: Names): readonly string[] | undefined {
  const walk = (path: readonly string[]): readonly string[] | undefined => {
    for (const next of neighbours(path.at(-1) ?? "", names)) {
      if (next === start) return [...path, next];
      const found = path.includes(next) ? undefined : walk([...path, next]);
      if (found) return found;
    }
    return undefined;
  };
  return walk([start]);
}

function neighbours(name: string, names: Names): readonly string[] {
  const spec = names.aliases[name];
  if (!spec) return [];
  const lists = [targetsOf(spec), ...conditionsOf(spec).map(({ to }) => to)];
  return lists.flatMap((targets) => aliasIn(targets, names) ?? []);
}

/** An alias with everything that it leads to written out. */
type Lead = Readonly<{
  to: readonly string[];
  caps: AliasCaps;
  takesTools: boolean;
  rules: readonly AliasRule[];
}>;

/** Every alias written out: what holds for it holds for all that it leads to as well. */
export function resolveAliases(
  names: Names,
): Pick<GatewaySettings, "aliases" | "aliasCaps" | "aliasRules" | "aliasesWithoutTools"> {
  const leads = Object.keys(names.aliases).map((name) => [name, follow(name, names, [])] as const);
  const capped = leads.filter(([, { caps }]) => Object.keys(caps).length > 0);
  const ruled = leads.filter(([, { rules }]) => rules.length > 0);
  return {
    aliases: Object.fromEntries(leads.map(([name, { to }]) => [name, [...to]])),
    aliasCaps: Object.fromEntries(capped.map(([name, { caps }]) => [name, caps])),
    aliasRules: Object.fromEntries(ruled.map(([name, { rules }]) => [name, [...rules]])),
    aliasesWithoutTools: leads.flatMap(([name, { takesTools }]) => (takesTools ? [] : [name])),
  };
}

/** `path` holds the aliases on the way here, so that a cycle, which is refused elsewhere, ends. */
function follow(name: string, names: Names, path: readonly string[]): Lead {
  const spec = names.aliases[name] ?? [name];
  const way = [...path, name];
  const leadTo = (targets: readonly string[]): Lead => {
    const next = aliasIn(targets, names);
    if (next !== undefined && !way.includes(next)) return follow(next, names, way);
    return { to: targets, caps: {}, takesTools: true, rules: [] };
  };
  const last = leadTo(targetsOf(spec));
  const rules = conditionsOf(spec).flatMap((condition) =>
    rulesOf(condition, leadTo(condition.to), aliasIn(condition.to, names)),
  );
  return within(spec, { ...last, rules: [...rules, ...last.rules] });
}

/** What a condition comes to: the rules of the alias that it leads to, under it, and what is left. */
function rulesOf(
  { tools, min_bytes: least }: AliasCondition,
  lead: Lead,
  name: string | undefined,
): readonly AliasRule[] {
  const own: AliasRule = {
    ...(tools !== undefined && { tools }),
    ...(least !== undefined && { min_bytes: least }),
    to: [...lead.to],
    ...(name !== undefined && { alias: name }),
    ...(Object.keys(lead.caps).length > 0 && { caps: lead.caps }),
    ...(!lead.takesTools && { takes_tools: false as const }),
  };
  const both = lead.rules
    .filter((rule) => tools === undefined || rule.tools === undefined || rule.tools === tools)
    .map((rule) => ({
      ...rule,
      ...conditionsIn(own),
      ...conditionsIn(rule),
      ...larger(own, rule),
    }));
  return [...both, own];
}

function conditionsIn({ tools }: AliasRule): Pick<AliasRule, "tools"> {
  return tools === undefined ? {} : { tools };
}

function larger(one: AliasRule, other: AliasRule): Pick<AliasRule, "min_bytes"> {
  const sizes = [one.min_bytes, other.min_bytes].filter((size) => size !== undefined);
  return sizes.length === 0 ? {} : { min_bytes: Math.max(...sizes) };
}

/** An alias's own caps, and whether it takes tools, hold wherever it leads. */
function within(spec: AliasSpec, lead: Lead): Lead {
  if (!("to" in spec)) return lead;
  const { max_tokens, temperature, tools = true } = spec;
  const own = { max_tokens, temperature };
  const rules = lead.rules.map((rule) => {
    const caps = lower(own, rule.caps ?? {});
    return {
      ...rule,
      ...(Object.keys(caps).length > 0 && { caps }),
      ...(!tools && { takes_tools: false as const }),
    };
  });
  return { ...lead, caps: lower(own, lead.caps), takesTools: tools && lead.takesTools, rules };
}

type Caps = Readonly<{ [Name in keyof AliasCaps]?: number | undefined }>;

function lower(one: Caps, other: Caps): AliasCaps {
  const least = (name: keyof AliasCaps) => {
    const given = [one[name], other[name]].filter((cap) => cap !== undefined);
    return given.length === 0 ? {} : { [name]: Math.min(...given) };
  };
  return { ...least("max_tokens"), ...least("temperature") };
}
