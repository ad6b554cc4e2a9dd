/** Where an alias leads a request: the first of its conditions that holds decides. Pure. */
import type { AliasCaps, AliasRule, GatewayConfig } from "../config.ts";

/** What routing looks at in a request. */
export type Asked = Readonly<{
  model: string | undefined;
  /** Whether it has tools that the model could call. */
  tools?: boolean;
  /** Size of its body; unknown, no condition on it holds. */
  bytes?: number;
}>;

/** A request that names a model. */
export type Named = Asked & Readonly<{ model: string }>;

type Lead = Readonly<{
  to: readonly string[];
  reason: string;
  caps: AliasCaps | undefined;
  refusesTools: boolean;
}>;

/** Targets in their order, none for a name that is no alias; and what holds for requests under that name. */
export function leadOf(config: GatewayConfig | undefined, asked: Named): Lead {
  const { model: name } = asked;
  const {
    aliases,
    alias_rules: rules,
    alias_caps: caps,
    aliases_without_tools: bare,
  } = config ?? {};
  const rule = own(rules, name)?.find((one) => holds(one, asked));
  if (rule) return leadBy(rule, name);
  return {
    to: own(aliases, name) ?? [],
    reason: `alias:${name}`,
    caps: own(caps, name),
    refusesTools: bare?.includes(name) === true,
  };
}

function leadBy({ to, alias, caps, takes_tools: takes }: AliasRule, name: string): Lead {
  const reason = `alias:${name}->${alias ?? to[0] ?? ""}`;
  return { to, reason, caps, refusesTools: takes === false };
}

function holds({ tools, min_bytes: least }: AliasRule, asked: Asked): boolean {
  if (tools !== undefined && tools !== (asked.tools ?? false)) return false;
  return least === undefined || (asked.bytes !== undefined && asked.bytes >= least);
}

/** Names are chosen by clients, those of every object's prototype among them. */
function own<Value>(map: Readonly<Record<string, Value>> | undefined, name: string) {
  return map && Object.hasOwn(map, name) ? map[name] : undefined;
}
