/** Old tokens as keys of the gateway: their digests, and of their policies what the gateway can hold them to. Pure. */
import { isAddressRange } from "../../gateway/protocol.ts";
import type { FoundToken, Inventory } from "../inventory.ts";
import type { MigrationPlan, PlannedKey } from "../migration-plan.ts";
import type { Found } from "../reading.ts";
import { freeName } from "./scene.ts";

/** The keys, and the tokens that get none. */
export type Keys = Pick<MigrationPlan, "keys" | "refusedKeys"> &
  Readonly<{ warnings: readonly Found<string>[] }>;

/** The first `up` makes a key of this name. */
const taken: readonly string[] = ["default"];

/** Works out the keys; a token that several settings name is one key, with the policy that one of them has. */
export function planKeys({ tokens, gateway }: Inventory): Keys {
  const names = new Set(taken);
  const keys: PlannedKey[] = [];
  const refusedKeys: MigrationPlan["refusedKeys"][number][] = [];
  const warnings: Found<string>[] = [];
  for (const token of distinct(tokens)) {
    const addresses = addressesOf(token, gateway?.ipAllowlist?.value);
    const because = token.refused ?? addresses.refused;
    if (because !== undefined) {
      refusedKeys.push({ name: token.name, at: token.at, because });
      continue;
    }
    const name = freeName(keyNameOf(token), names);
    names.add(name);
    keys.push(keyOf({ ...token, name }, addresses.allowed, gateway?.maxRequestBytes?.value));
    warnings.push(...addresses.dropped.map((entry) => droppedAddress(token, name, entry)));
  }
  return { keys, refusedKeys, warnings };
}

/** One of each digest; a refusal of either holds. */
function distinct(tokens: readonly FoundToken[]): readonly FoundToken[] {
  const byDigest = new Map<string, FoundToken>();
  for (const token of tokens) {
    const before = byDigest.get(token.digest);
    byDigest.set(token.digest, before ? joined(before, token) : token);
  }
  return [...byDigest.values()];
}

function joined(first: FoundToken, second: FoundToken): FoundToken {
  const policy = first.policy ?? second.policy;
  const refused = first.refused ?? second.refused;
  const expiresAt = first.expiresAt ?? second.expiresAt;
  return {
    ...first,
    ...(policy && { policy }),
    ...(refused !== undefined && { refused }),
    ...(expiresAt !== undefined && { expiresAt }),
  };
}

function keyNameOf({ name }: FoundToken): string {
  const plain = name.replaceAll(/[^\w.-]+/g, "-").slice(0, 60);
  return plain === "" ? "token" : plain;
}

function keyOf(
  token: FoundToken,
  allowed: readonly string[] | undefined,
  gatewayBytes: number | undefined,
): PlannedKey {
  const { name, digest, hint, policy, expiresAt, at } = token;
  const bytes = policy?.maxRequestBytes ?? gatewayBytes;
  const limited = bytes !== undefined && Number.isSafeInteger(bytes) && bytes > 0;
  return {
    record: {
      name,
      digest,
      hint: hint.slice(0, 7),
      scopes: ["inference"],
      ...(limited && { limits: { max_request_bytes: bytes } }),
      ...(allowed && { allowed_ips: allowed }),
      ...(expiresAt !== undefined && { expires_at: expiresAt }),
    },
    at,
    notInForce: Object.keys(policy?.tools ?? {}),
  };
}

type Addresses = Readonly<{
  allowed?: readonly string[];
  dropped: readonly string[];
  refused?: string;
}>;

/** A list of its own wins over the gateway's; an empty one is for everyone; one that nobody can read is for nobody. */
function addressesOf({ policy }: FoundToken, ofGateway: readonly string[] | undefined): Addresses {
  const wanted = policy?.ipAllowlist ?? ofGateway ?? [];
  if (wanted.length === 0 || isForAll(wanted)) return { dropped: [] };
  const allowed = wanted.filter(isAddressRange);
  const dropped = wanted.filter((entry) => !isAddressRange(entry));
  if (allowed.length > 0) return { allowed, dropped };
  return { dropped, refused: "no entry of its list of addresses can be read, so it is for nobody" };
}

/** Every address of both kinds is no limit. */
function isForAll(wanted: readonly string[]): boolean {
  return wanted.includes("0.0.0.0/0") && wanted.includes("::/0");
}

function droppedAddress({ at }: FoundToken, name: string, entry: string): Found<string> {
  const shown = /^[\w.:/-]{1,60}$/.test(entry) ? entry : "an entry";
  return { value: `The key ${name} is not for ${shown}: it is no address and no range.`, at };
}
