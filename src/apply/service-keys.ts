/** Keys of the gateway that services have of their own: files that `up` makes, and digests at the gateway. */
import type { Engine, Observed } from "../engine/engine.ts";
import { keyDigest, type ListedKey, newKey, recordOf } from "../gateway/protocol.ts";
import { ServiceKeyTakenError } from "../plan/errors.ts";
import type { ServiceKey } from "../plan/plan.ts";
import { type GatewayLink, openGatewayLink } from "../readiness/gateway-link.ts";
import type { Stack } from "../stack/stack.ts";
import { SecretMissingError } from "./errors.ts";
import { newestRunning } from "./gateway-access.ts";
import { keyFile, readKey, saveKey } from "./key-files.ts";

/** The keys of a stack's services, for the plan; those that no file holds yet are in `fresh`, in memory alone. */
export type ServiceKeys = Readonly<{
  byService: Readonly<Record<string, ServiceKey>>;
  /** By service. */
  fresh: ReadonlyMap<string, string>;
}>;

/** Reads the keys that there are and thinks up those that are missing; writes nothing. Throws LoosePermissionsError. */
export async function readServiceKeys(stack: Stack): Promise<ServiceKeys> {
  const fresh = new Map<string, string>();
  const byService: Record<string, ServiceKey> = {};
  for (const service of stack.services) {
    if (service.kind === "external" || !service.gatewayKey) continue;
    const saved = await readKey(service.gatewayKey.file);
    const key = saved ?? newKey();
    if (saved === undefined) fresh.set(service.name, key);
    byService[service.name] = { digest: keyDigest(key), saved: saved !== undefined };
  }
  return { byService, fresh };
}

/** The keys that the running gateway knows; undefined when there is none or it does not answer. */
export async function askForKeys(
  engine: Engine,
  { containers }: Pick<Observed, "containers">,
): Promise<readonly ListedKey[] | undefined> {
  const gateway = newestRunning(containers.filter(({ identity }) => identity?.role === "gateway"));
  if (gateway === undefined) return undefined;
  const signal = AbortSignal.timeout(10_000);
  try {
    await using link = await openGatewayLink(engine, gateway.id, signal);
    return await link.call({ op: "keys.list" }, { signal });
  } catch {
    return undefined;
  }
}

/** What a service's key is granted from: its file, or the fresh key where there is none. */
export type Grant = Readonly<{ name: string; folder: string; fresh: string | undefined }>;

/** Puts a service's key into its file and has the gateway know it. Throws ServiceKeyTakenError. */
export async function grantKey(link: GatewayLink, { name, folder, fresh }: Grant): Promise<void> {
  const saved = await readKey(keyFile(folder, name));
  const key = saved ?? fresh;
  if (key === undefined) throw new SecretMissingError(name, keyFile(folder, name));
  const record = recordOf(key, { name, scopes: ["inference"] }, new Date());
  const known = (await link.call({ op: "keys.list" })).find((each) => each.name === name);
  if (known && known.digest !== record.digest)
    throw new ServiceKeyTakenError(name, "it is not the one that the service has");
  // Saved first: a key that the gateway knows and nobody has could never be used.
  if (saved === undefined) await saveKey(folder, name, key);
  if (!known) await link.call({ op: "keys.add", key: record });
}
