/** The users of the old gateway, with the hashes of the passwords that they go on with. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { canonicalUserName, type UserRecord } from "../../../gateway/user.ts";
import { sortUsers } from "../../user-names.ts";
import { dateOf, isAdmin, isDisabled } from "../../ai-infra/people.ts";
import type { MigrationPlan } from "../../migration-plan.ts";
import type { StepWorker } from "../context.ts";

/** Has the gateway take every user of the staged database; those that it has already, the very same, are fine. */
export const addUsersStep: StepWorker<"add-users"> = {
  begin: async () => ({}),
  carryOut: async ({ staged }, { world, plan, paths }, { tell }) => {
    const found = await readUsers(join(paths.directory, staged));
    const users = found.map((user) => ({ ...user, admin: user.admin && isAgreed(user, plan) }));
    await world.gateway(plan.choices.stack, async (link) => {
      for (const user of users) {
        tell({ subject: user.name });
        await link.call({ op: "users.add", user });
      }
    });
    return { names: users.map(({ name }) => name) };
  },
};

/** Whether the plan that was agreed to says that somebody administers: the source may have changed since. */
function isAgreed({ name }: UserRecord, { users }: MigrationPlan): boolean {
  return users.some((user) => user.admin && canonicalUserName(user.name) === name);
}

/** Rounds of the old gateway's PBKDF2-HMAC-SHA256 (user_store.py). */
const oldRounds = 120_000;

/** A row of its table, whatever is in it: `admin` came later than the others. */
const rowSchema = z.looseObject({
  username: z.string().catch(""),
  password_hash: z.string().catch(""),
  password_salt: z.string().catch(""),
  created_ts: z.number().catch(0),
  disabled: z.unknown().optional(),
  admin: z.unknown().optional(),
});

/** The users of an old database who can log in here: with a password of the old gateway's, and a name that is one here. */
export async function readUsers(file: string): Promise<readonly UserRecord[]> {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const rows = z
      .array(rowSchema)
      .parse(database.prepare("SELECT * FROM users ORDER BY id").all());
    const people = rows.filter(({ password_hash, password_salt }) =>
      isPassword(password_hash, password_salt),
    );
    return sortUsers(people, ({ username }) => username).kept.map(recordOf);
  } finally {
    database.close();
  }
}

function isPassword(hash: string, salt: string): boolean {
  return /^[0-9a-f]{64}$/i.test(hash) && /^(?:[0-9a-f]{2}){8,64}$/i.test(salt);
}

function recordOf(row: z.infer<typeof rowSchema>): UserRecord {
  return {
    name: canonicalUserName(row.username),
    password: {
      scheme: "pbkdf2-sha256",
      iterations: oldRounds,
      salt: row.password_salt.toLowerCase(),
      hash: row.password_hash.toLowerCase(),
    },
    admin: isAdmin(row.admin),
    disabled: isDisabled(row.disabled),
    created_at: dateOf(row.created_ts) ?? new Date(0).toISOString(),
  };
}
