/** The keys that may use the gateway: only their digests are known here. */
import { hash, timingSafeEqual } from "node:crypto";
import { rename } from "node:fs/promises";
import { z } from "zod";
import { readJsonFile, writeJsonFile } from "../json-file.ts";
import { AddressList } from "./addresses.ts";
import { isAddressRange, keyName, type KeyRecord, type ListedKey } from "../protocol.ts";

const limit = z.int().positive().exactOptional();

/** What a key record must look like, in the file and on the control channel. */
export const keyRecordSchema = z
  .strictObject({
    name: z.string().regex(keyName),
    digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
    hint: z.string().max(12),
    scopes: z.array(z.enum(["inference", "admin"])).min(1),
    models: z.array(z.string()).exactOptional(),
    limits: z
      .strictObject({
        requests_per_minute: limit,
        tokens_per_minute: limit,
        tokens_per_day: limit,
        max_request_bytes: limit,
      })
      .exactOptional(),
    allowed_ips: z.array(z.string().refine(isAddressRange, "is no address")).min(1).exactOptional(),
    created_at: z.iso.datetime({ offset: true }),
    expires_at: z.iso.datetime({ offset: true }).exactOptional(),
  })
  .readonly();

const keysFileSchema = z.strictObject({ version: z.literal(1), keys: z.array(keyRecordSchema) });

/** A change that was refused. */
export class KeyRefused extends Error {
  override name = "KeyRefused";
  readonly code: "key_exists" | "key_unknown";

  constructor(code: "key_exists" | "key_unknown", message: string) {
    super(message);
    this.code = code;
  }
}

/** What became of a presented key; `from` holds the addresses it may be used from, undefined for all. */
export type Authentication = Readonly<
  | { kind: "known"; key: KeyRecord; from: AddressList | undefined }
  | { kind: "unknown" }
  | { kind: "expired" }
>;

type Entry = Readonly<{
  key: KeyRecord;
  digest: Buffer;
  expiresAt: number;
  from: AddressList | undefined;
}> & {
  /** In milliseconds since 1970; 0 when it was never used, as far as is known. */
  lastUsedAt: number;
};

const longestKey = 256;

/** The keys in force, and the file that outlives the process. */
export class KeyRing {
  readonly #file: string;
  #entries: ReadonlyMap<string, Entry> = new Map();
  /** The file holds what this gateway cannot read: other keys, perhaps of a newer one. */
  #unread = false;
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(file: string) {
    this.#file = file;
  }

  /** Loads the file; without one the ring is empty. Throws when the file is not what the ring writes. */
  static async open(file: string): Promise<KeyRing> {
    const ring = new KeyRing(file);
    const document = await readJsonFile(file);
    if (document !== undefined) ring.#use(keysFileSchema.parse(document).keys);
    return ring;
  }

  /** A ring that starts empty beside a file that cannot be read; the first change moves that file out of the way. */
  static besideUnread(file: string): KeyRing {
    const ring = new KeyRing(file);
    ring.#unread = true;
    return ring;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Every key, without any means to use it. */
  list(): readonly KeyRecord[] {
    return [...this.#entries.values()].map(({ key }) => key);
  }

  /** Every key, and when it was used last. */
  listed(): readonly ListedKey[] {
    return [...this.#entries.values()].map(({ key, lastUsedAt }) =>
      lastUsedAt === 0 ? key : { ...key, last_used_at: new Date(lastUsedAt).toISOString() },
    );
  }

  /** Takes up what is known of an earlier run: by name, when each key was used last. */
  remember(lastUsed: ReadonlyMap<string, number>): void {
    for (const entry of this.#entries.values()) {
      const at = lastUsed.get(entry.key.name) ?? 0;
      // Before it was made, another key had its name.
      if (at >= Date.parse(entry.key.created_at)) entry.lastUsedAt = Math.max(at, entry.lastUsedAt);
    }
  }

  /** Takes a key into force once it is on disk; throws KeyRefused when the name or the key is taken. */
  add(key: KeyRecord): Promise<void> {
    return this.#change((keys) => {
      const taken = keys.some(({ name, digest }) => name === key.name || digest === key.digest);
      if (taken) throw new KeyRefused("key_exists", `There is already a key named "${key.name}".`);
      return [...keys, key];
    });
  }

  /** Puts a key in the place of the one of its name, in one write; throws KeyRefused when there is none. */
  replace(key: KeyRecord): Promise<void> {
    return this.#change((keys) => {
      if (keys.some(({ name }) => name === key.name)) {
        return keys.map((each) => (each.name === key.name ? key : each));
      }
      throw new KeyRefused("key_unknown", `There is no key named "${key.name}".`);
    });
  }

  /** Takes a key out of force once that is on disk; throws KeyRefused when there is none. */
  remove(name: string): Promise<void> {
    return this.#change((keys) => {
      const kept = keys.filter((key) => key.name !== name);
      if (kept.length < keys.length) return kept;
      throw new KeyRefused("key_unknown", `There is no key named "${name}".`);
    });
  }

  /** Judges a presented key in a time that does not depend on how much of it is right. */
  authenticate(presented: string, now: number): Authentication {
    if (presented.length > longestKey) return { kind: "unknown" };
    const digest = hash("sha256", presented, "buffer");
    const entry = this.#entries.get(digest.toString("hex"));
    if (!entry || !timingSafeEqual(entry.digest, digest)) return { kind: "unknown" };
    if (entry.expiresAt <= now) return { kind: "expired" };
    entry.lastUsedAt = now;
    return { kind: "known", key: entry.key, from: entry.from };
  }

  /** Changes follow one another: each sees what the one before it left. */
  #change(edit: (keys: readonly KeyRecord[]) => readonly KeyRecord[]): Promise<void> {
    const change = this.#writing.then(() => this.#carryOut(edit));
    this.#writing = change.catch(() => {});
    return change;
  }

  async #carryOut(edit: (keys: readonly KeyRecord[]) => readonly KeyRecord[]): Promise<void> {
    const keys = edit(this.list());
    if (this.#unread) await rename(this.#file, `${this.#file}.unread-${Date.now()}`);
    this.#unread = false;
    await writeJsonFile(this.#file, { version: 1, keys });
    this.#use(keys);
  }

  #use(keys: readonly KeyRecord[]): void {
    const known = this.#entries;
    const entries = keys.map(entryOf).map((entry) => {
      const name = entry.digest.toString("hex");
      return [name, { ...entry, lastUsedAt: known.get(name)?.lastUsedAt ?? 0 }] as const;
    });
    this.#entries = new Map(entries);
  }
}

function entryOf(key: KeyRecord): Omit<Entry, "lastUsedAt"> {
  const digest = Buffer.from(key.digest.slice("sha256:".length), "hex");
  const expiresAt = key.expires_at === undefined ? Infinity : Date.parse(key.expires_at);
  const from = key.allowed_ips && new AddressList(key.allowed_ips);
  return { key, digest, expiresAt, from };
}
