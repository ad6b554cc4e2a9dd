/** The gateway's API keys: made here, shown once, kept there as digests. */
import { exitCodes, NexusError } from "../errors.ts";
import type { KeyLimits, KeyRecord, ListedKey } from "../gateway/protocol.ts";
import { keyName, mintKey } from "../gateway/protocol.ts";
import type { StagedKey } from "./key-files.ts";
import type { GatewayLink } from "../readiness/gateway-link.ts";

/** What a key may do. */
export type KeyScope = KeyRecord["scopes"][number];

/** A key as it is asked for. */
export type KeyWish = Readonly<{
  name: string;
  scopes: readonly KeyScope[];
  models?: readonly string[];
  limits?: KeyLimits;
  allowed_ips?: readonly string[];
  /** ISO 8601. */
  expires_at?: string;
}>;

/** What is to be different about a key; what is left out stays, and null lifts what limits it. */
export type KeyChanges = Readonly<{
  scopes?: readonly KeyScope[];
  models?: readonly string[] | null;
  limits?: Readonly<Partial<Record<keyof KeyLimits, number | null>>>;
  allowed_ips?: readonly string[] | null;
  expires_at?: string | null;
}>;

/** A new key: the only time that it is seen in plain text. */
export type NewKey = Readonly<{
  key: string;
  record: KeyRecord;
  /** Where it was saved, if it was. */
  file?: string;
}>;

/** The gateway has no key of that name. */
export class UnknownKeyError extends NexusError {
  readonly code = "NEXUS_UNKNOWN_KEY";
  readonly exitCode = exitCodes.usage;
  readonly remedy = "See them with `nexus keys ls`.";

  constructor(name: string, known: readonly string[]) {
    super(
      `The gateway has no key named ${name}${known.length > 0 ? ` (it has ${known.join(", ")})` : ""}.`,
    );
    this.details = { name, known };
  }

  override readonly details: Readonly<Record<string, unknown>>;
}

/** A name that no key can have. */
export class InvalidKeyNameError extends NexusError {
  readonly code = "NEXUS_INVALID_KEY_NAME";
  readonly exitCode = exitCodes.usage;
  readonly remedy = "Use up to 64 letters, digits, dots, - and _, such as laptop.";

  constructor(name: string) {
    super(`\`${name}\` is no name for a key.`);
  }
}

/** There is a key of that name already. */
export class KeyNameTakenError extends NexusError {
  readonly code = "NEXUS_KEY_NAME_TAKEN";
  readonly exitCode = exitCodes.conflict;
  readonly remedy: string;

  constructor(name: string) {
    super(`The gateway already has a key named ${name}.`);
    this.remedy = `Choose another name, or replace that key with \`nexus keys rotate ${name}\`.`;
  }
}

/** A change of a key that names nothing to change. */
export class NothingToChangeError extends NexusError {
  readonly code = "NEXUS_NOTHING_TO_CHANGE";
  readonly exitCode = exitCodes.usage;
  readonly remedy =
    "Say what: --rpm, --tpm, --tokens-per-day, --max-request-bytes, --allow-ip, --model, --scope or --expires.";

  constructor(name: string) {
    super(`Nothing was said that is to change about the key ${name}.`);
  }
}

/** A text that should be a span of time is none. */
export class InvalidExpiryError extends NexusError {
  readonly code = "NEXUS_INVALID_EXPIRY";
  readonly exitCode = exitCodes.usage;
  readonly remedy = "Write it as a number and a unit: 12h, 30d, 8w or 1y.";

  constructor(text: string) {
    super(`\`${text}\` is not a span of time.`);
  }
}

const unitMs: Readonly<Record<string, number>> = {
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

/** The moment that lies a span such as `30d` ahead, as ISO 8601. Throws InvalidExpiryError. */
export function expiryAfter(span: string, now: Date): string {
  const [, amount = "", unit = ""] = /^(\d{1,5})([hdwy])$/.exec(span) ?? [];
  const ms = Number(amount) * (unitMs[unit] ?? 0);
  if (ms === 0) throw new InvalidExpiryError(span);
  return new Date(now.getTime() + ms).toISOString();
}

/** How a key is made; `stage` is given it before the gateway is, where it is to be saved. */
export type KeyMaking = Readonly<{ stage?: (key: string) => Promise<StagedKey>; now?: Date }>;

/** Makes a key and has the gateway accept it. Throws InvalidKeyNameError, KeyNameTakenError. */
export async function addKey(
  link: GatewayLink,
  wish: KeyWish,
  { stage, now = new Date() }: KeyMaking = {},
): Promise<NewKey> {
  if (!keyName.test(wish.name)) throw new InvalidKeyNameError(wish.name);
  const known = await link.call({ op: "keys.list" });
  if (known.some(({ name }) => name === wish.name)) throw new KeyNameTakenError(wish.name);
  const made = mintKey(wish, now);
  return handOver(made, stage, () => link.call({ op: "keys.add", key: made.record }));
}

/** Replaces a key by a new one with the same rights; if the gateway refuses the new one, the old one stays. */
export async function rotateKey(
  link: GatewayLink,
  name: string,
  { stage, now = new Date() }: KeyMaking = {},
): Promise<NewKey> {
  const { scopes, models, limits, allowed_ips, expires_at } = await findKey(link, name);
  const wish = { name, scopes, ...defined({ models, limits, allowed_ips, expires_at }) };
  const made = mintKey(wish, now);
  return handOver(made, stage, () => link.call({ op: "keys.replace", key: made.record }));
}

/** A key that cannot be saved never comes into force: nobody would have it. */
async function handOver(
  made: NewKey,
  stage: KeyMaking["stage"],
  accept: () => Promise<unknown>,
): Promise<NewKey> {
  const staged = await stage?.(made.key);
  try {
    await accept();
  } catch (error) {
    await staged?.discard();
    throw error;
  }
  const file = await staged?.commit();
  return file === undefined ? made : { ...made, file };
}

/** Changes what a key may do, in force at once; the key itself stays. Throws UnknownKeyError and NothingToChangeError. */
export async function editKey(
  link: GatewayLink,
  name: string,
  changes: KeyChanges,
): Promise<ListedKey> {
  if (Object.values(changes).every((change) => change === undefined)) {
    throw new NothingToChangeError(name);
  }
  const found = await findKey(link, name);
  const { last_used_at, scopes, models, limits, allowed_ips, expires_at, ...fixed } = found;
  const key = {
    ...fixed,
    scopes: changes.scopes ?? scopes,
    ...defined({
      models: changed(models, changes.models),
      allowed_ips: changed(allowed_ips, changes.allowed_ips),
      limits: limitsOf({ ...limits, ...changes.limits }),
      expires_at: changed(expires_at, changes.expires_at),
    }),
  };
  await link.call({ op: "keys.replace", key });
  return { ...key, ...defined({ last_used_at }) };
}

/** Whether the gateway can see where requests come from, without which it refuses every key that has a list of addresses. */
export async function seesAddresses(link: GatewayLink): Promise<boolean> {
  const { clients } = await link.call({ op: "status" });
  return clients !== undefined;
}

/** The limits that there are among those asked for; undefined for none. */
export function limitsOf(
  asked: Readonly<Record<string, number | null | undefined>>,
): KeyLimits | undefined {
  const limits = Object.entries(asked).filter(([, limit]) => typeof limit === "number");
  return limits.length === 0 ? undefined : Object.fromEntries(limits);
}

function changed<Value>(old: Value | undefined, change: Value | null | undefined) {
  return change === undefined ? old : (change ?? undefined);
}

/** The same without what is undefined. */
function defined<Values extends object>(values: Values) {
  const there = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there) as { [Name in keyof Values]?: Exclude<Values[Name], undefined> };
}

/** Makes a key useless at once. Throws UnknownKeyError. */
export async function removeKey(link: GatewayLink, name: string): Promise<KeyRecord> {
  const record = await findKey(link, name);
  await link.call({ op: "keys.remove", name });
  return record;
}

async function findKey(link: GatewayLink, name: string): Promise<ListedKey> {
  const known = await link.call({ op: "keys.list" });
  const found = known.find((key) => key.name === name);
  if (found === undefined)
    throw new UnknownKeyError(
      name,
      known.map((key) => key.name),
    );
  return found;
}
