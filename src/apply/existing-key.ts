/** A key that exists already, made elsewhere: the gateway is told its digest, as of any other. */
import { keyName, recordOf } from "../gateway/protocol.ts";
import type { GatewayLink } from "../readiness/gateway-link.ts";
import { SecretMissingError } from "./errors.ts";
import { keyFile, readKey } from "./key-files.ts";
import { InvalidKeyNameError, KeyNameTakenError, type KeyWish, type NewKey } from "./keys.ts";

/** A key that is in force; in plain text only where it was made just now. */
export type MadeKey = Omit<NewKey, "key"> & Readonly<{ key?: string }>;

/** How much of a key that may be short is kept for people to recognise it. */
const hintLength = 4;

/**
 * Has the gateway accept the key that `.nexus/secrets/<name>.key` holds; does nothing when it does already. Throws
 * InvalidKeyNameError, SecretMissingError, LoosePermissionsError, KeyNameTakenError.
 */
export async function acceptKey(
  link: GatewayLink,
  wish: KeyWish,
  { folder, now = new Date() }: Readonly<{ folder: string; now?: Date }>,
): Promise<MadeKey> {
  if (!keyName.test(wish.name)) throw new InvalidKeyNameError(wish.name);
  const file = keyFile(folder, wish.name);
  const key = await readKey(file);
  if (!key) throw new SecretMissingError(wish.name, file);
  const record = { ...recordOf(key, wish, now), hint: key.slice(0, hintLength) };
  const known = await link.call({ op: "keys.list" });
  const same = known.find(({ name }) => name === wish.name);
  if (same && same.digest !== record.digest) throw new KeyNameTakenError(wish.name);
  if (!same) await link.call({ op: "keys.add", key: record });
  return { record, file };
}
