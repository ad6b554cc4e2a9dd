/** Users and their API keys, from the old gateway's database as it was looked at. Pure. */
import type { FoundToken, FoundUser } from "../inventory.ts";
import { readUserPolicy } from "../read/user-policy.ts";
import type { NotUnderstood, Place } from "../reading.ts";
import { Secret } from "../secret.ts";
import type { Part } from "./part.ts";

/** A row of a table; what of it is there depends on how old the database is. */
export type Row = Readonly<Record<string, unknown>>;

/** What is asked of `users.sqlite`, in this order. */
export const questions = [
  "SELECT * FROM users ORDER BY id",
  "SELECT k.*, u.username, u.disabled FROM user_api_keys k JOIN users u ON u.id = k.user_id ORDER BY k.created_ts, k.id",
] as const;

/** The users; one whose hash is none of the old gateway's is told. */
export function findUsers(rows: readonly Row[], at: Place): Part {
  const read = rows.map((row) => ({ row, user: userOf(row, at) }));
  const broken = read.flatMap(({ row, user }): NotUnderstood[] =>
    user
      ? []
      : [
          {
            at,
            what: `users.${textOf(row["username"]) || "?"}`,
            why: "has no name, or no password hash of the old gateway's: cannot log in.",
          },
        ],
  );
  return { users: read.flatMap(({ user }) => user ?? []), notUnderstood: broken };
}

function userOf(row: Row, at: Place): FoundUser | undefined {
  const name = textOf(row["username"]);
  const hash = textOf(row["password_hash"]);
  const salt = textOf(row["password_salt"]);
  if (name === "" || !/^[0-9a-f]{64}$/i.test(hash) || !/^(?:[0-9a-f]{2}){8,64}$/i.test(salt))
    return undefined;
  return {
    name,
    at,
    hash: new Secret(hash),
    salt: new Secret(salt),
    admin: isAdmin(row["admin"]),
    disabled: isDisabled(row["disabled"]),
    createdAt: dateOf(row["created_ts"]) ?? new Date(0).toISOString(),
  };
}

/** The API keys of users; `now` decides which of them have expired. */
export function findApiKeys(rows: readonly Row[], at: Place, now: Date): Part {
  const notUnderstood: NotUnderstood[] = [];
  const taken = new Set<string>();
  const tokens = rows.flatMap((row): FoundToken[] => {
    const named = `${textOf(row["username"])}.${textOf(row["name"]) || textOf(row["id"])}`;
    const name = freeName(named, taken);
    const hash = textOf(row["token_hash"]).toLowerCase();
    const what = `user_api_keys.${name}`;
    if (!/^[0-9a-f]{64}$/.test(hash)) {
      notUnderstood.push({ at, what, why: "has no SHA-256 hash: it cannot be carried." });
      return [];
    }
    const policy = readUserPolicy(Buffer.from(textOf(row["policy_json"]) || "{}"), at);
    notUnderstood.push(
      ...policy.notUnderstood.map((note) => ({ ...note, what: `${what}.${note.what}` })),
    );
    const expiresAt = dateOf(row["expires_ts"]);
    const refused = refusalOf(row, expiresAt, now);
    return [
      {
        at,
        kind: "api-key",
        name,
        digest: `sha256:${hash}`,
        hint: textOf(row["token_hint"]).slice(0, 7),
        ...(hasLimits(policy.found) && { policy: policy.found }),
        ...(expiresAt !== undefined && { expiresAt }),
        ...(refused !== undefined && { refused }),
      },
    ];
  });
  return { tokens, notUnderstood };
}

function refusalOf(row: Row, expiresAt: string | undefined, now: Date): string | undefined {
  if (typeof row["revoked_ts"] === "number") return "it was revoked";
  if (expiresAt !== undefined && expiresAt <= now.toISOString())
    return `it expired at ${expiresAt}`;
  return isDisabled(row["disabled"]) ? "its user is disabled" : undefined;
}

function hasLimits({ tools, ...limits }: NonNullable<FoundToken["policy"]>): boolean {
  return Object.keys(tools).length > 0 || Object.keys(limits).length > 0;
}

/** A name that a key of the gateway can have and none before has. */
function freeName(text: string, taken: Set<string>): string {
  const plain = text
    .normalize("NFKD")
    .replaceAll(/[^\w.-]+/g, "-")
    .slice(0, 56);
  let name = plain;
  for (let number = 2; taken.has(name); number += 1) name = `${plain}-${number}`;
  taken.add(name);
  return name;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Whether a column makes somebody an administrator: only what the old gateway wrote there does. */
export function isAdmin(value: unknown): boolean {
  return value === 1 || value === 1n;
}

/** Whether a column keeps somebody out: anything that is not nothing does, as for the old gateway. */
export function isDisabled(value: unknown): boolean {
  return ![0, 0n, null, undefined].includes(value as number);
}

/** Unix seconds as ISO 8601; undefined where they are none. */
export function dateOf(value: unknown): string | undefined {
  if (typeof value !== "number" || !Number.isFinite(value)) return undefined;
  const date = new Date(value * 1000);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
