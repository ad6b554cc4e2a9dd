/** The limits that the ancestor's tokens had, as flags of `nexus keys add`. Pure. */
import type { Note } from "../compose/note.ts";
import type { FoundPolicy } from "../inventory.ts";
import { type FoundTokenPolicy, readTokenPolicies } from "../read/token-policies.ts";
import type { Setting, Settings } from "./settings.ts";

/** The limits of each token, and what is to be known of them. */
export type Policies = Readonly<{ of: (token: string) => FoundPolicy; notes: readonly Note[] }>;

/** Reads what `IP_ALLOWLIST` says of all tokens, and under it what `GATEWAY_TOKEN_POLICIES_JSON` says of each. */
export function policiesOf(settings: Settings): Policies {
  const general = generalPolicy(settings.get("IP_ALLOWLIST"));
  const own = ownPolicies(settings.get("GATEWAY_TOKEN_POLICIES_JSON"));
  const policyOf = (token: string): FoundPolicy | undefined =>
    own.found.find((each) => each.token.reveal() === token)?.policy;
  return {
    of: (token) => ({ tools: {}, ...general.found[0]?.policy, ...policyOf(token) }),
    notes: [...general.notes, ...own.notes],
  };
}

type Read = Readonly<{ found: readonly FoundTokenPolicy[]; notes: readonly Note[] }>;

const none: Read = { found: [], notes: [] };

function generalPolicy(setting: Setting | undefined): Read {
  if (!setting) return none;
  const value = JSON.stringify({ "*": { ip_allowlist: setting.value } });
  const { found, notes } = readPolicies({ ...setting, value });
  const message = "goes with each key, as the addresses it may be used from";
  return { found, notes: [setting.note("changed", message), ...notes] };
}

function ownPolicies(setting: Setting | undefined): Read {
  if (!setting) return none;
  const { found, notes } = readPolicies(setting);
  const message = "limits tools, which the gateway does not run: those limits are not in force";
  const limitsTools = found.some(({ policy }) => Object.keys(policy.tools).length > 0);
  return { found, notes: limitsTools ? [...notes, setting.note("left-out", message)] : notes };
}

function readPolicies({ value, note }: Setting): Read {
  const nowhere = { host: "", file: "" };
  const { found, notUnderstood } = readTokenPolicies(Buffer.from(value), nowhere);
  return { found, notes: notUnderstood.map(({ what, why }) => note("decide", `${what} ${why}`)) };
}

/** The flags that limit a key as a policy does. */
export function flagsOf({ ipAllowlist = [], maxRequestBytes }: FoundPolicy): readonly string[] {
  return [
    ...ipAllowlist.flatMap((range) => ["--allow-ip", range]),
    ...(maxRequestBytes ? ["--max-request-bytes", String(maxRequestBytes)] : []),
  ];
}
