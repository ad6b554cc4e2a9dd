/** The gateway's users: their passwords are hashed here and kept there. */
import { exitCodes, NexusError } from "../errors.ts";
import { canonicalUserName, userName } from "../gateway/user.ts";
import type { ListedUser, UserChange, UserRecord } from "../gateway/user.ts";
import { GatewayRefusedError } from "../readiness/errors.ts";
import type { GatewayLink } from "../readiness/gateway-link.ts";
import { nearest } from "../stack/nearest.ts";
import { hashPassword } from "./passwords.ts";

/** A user as they are asked for. */
export type UserWish = Readonly<{ name: string; admin: boolean; password: string }>;

/** What is to be different about a user; what is left out stays. */
export type UserChanges = Readonly<{ disabled?: boolean; password?: string }>;

/** A user without what only the gateway counts. */
export type PlainUser = Readonly<Omit<UserRecord, "password">>;

/** A name that no user can have. */
export class InvalidUserNameError extends NexusError {
  readonly code = "NEXUS_INVALID_USER_NAME";
  readonly exitCode = exitCodes.usage;
  readonly remedy =
    "Begin with a letter or a digit and use up to 64 letters, digits, spaces, and . @ + - _, such as ada or ada@example.org.";

  constructor(name: string) {
    super(`\`${name}\` is no name for a user.`);
  }
}

/** There is another user of that name already. */
export class UserNameTakenError extends NexusError {
  readonly code = "NEXUS_USER_NAME_TAKEN";
  readonly exitCode = exitCodes.conflict;
  readonly remedy: string;

  constructor(name: string) {
    super(`The gateway already has a user named ${name}.`);
    this.remedy = `Choose another name, or give that user another password with \`nexus users passwd '${name}'\`.`;
  }
}

/** The gateway has no user of that name. */
export class UnknownUserError extends NexusError {
  readonly code = "NEXUS_UNKNOWN_USER";
  readonly exitCode = exitCodes.usage;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(name: string, known: readonly string[]) {
    super(`The gateway has no user named ${name}.`);
    const near = nearest(name, known);
    const guess = near === undefined ? "" : `Did you mean \`${near}\`? `;
    this.remedy = `${guess}See them all with \`nexus users ls\`.`;
    this.details = { name, known };
  }
}

/** The name of a user as the gateway keeps it; throws InvalidUserNameError where no user can have it. */
export function userNameOf(text: string): string {
  const name = canonicalUserName(text);
  if (!userName.test(name)) throw new InvalidUserNameError(text);
  return name;
}

/** Has the gateway take a whole user; one that it has already, the very same, is fine. Throws InvalidUserNameError and UserNameTakenError. */
export async function addUser(link: GatewayLink, record: UserRecord): Promise<void> {
  const user = { ...record, name: userNameOf(record.name) };
  try {
    await link.call({ op: "users.add", user });
  } catch (error) {
    if (isRefusal(error, "user_exists")) throw new UserNameTakenError(user.name);
    throw error;
  }
}

/** Makes a user who may log in at once. Throws InvalidUserNameError, UserNameTakenError and PasswordTooShortError. */
export async function createUser(
  link: GatewayLink,
  { name, admin, password }: UserWish,
  now: Date = new Date(),
): Promise<PlainUser> {
  const user = { name: userNameOf(name), admin, disabled: false, created_at: now.toISOString() };
  await addUser(link, { ...user, password: await hashPassword(password) });
  return user;
}

/** Changes a user, in force at once. Throws UnknownUserError and PasswordTooShortError. */
export async function changeUser(
  link: GatewayLink,
  name: string,
  { disabled, password }: UserChanges,
): Promise<PlainUser> {
  const { sessions: _sessions, ...old } = await findUser(link, name);
  const user = { ...old, disabled: disabled ?? old.disabled };
  const hashed = password === undefined ? {} : { password: await hashPassword(password) };
  const change: UserChange = { ...user, ...hashed };
  await link.call({ op: "users.replace", user: change });
  return user;
}

/** Takes a user out, who is logged out at once; resolves with their name. Throws UnknownUserError. */
export async function removeUser(link: GatewayLink, name: string): Promise<string> {
  const user = await findUser(link, name);
  await link.call({ op: "users.remove", name: user.name });
  return user.name;
}

/** The user of that name, however it is written. Throws UnknownUserError. */
export async function findUser(link: GatewayLink, name: string): Promise<ListedUser> {
  const known = await link.call({ op: "users.list" });
  const wanted = canonicalUserName(name);
  const found = known.find((user) => user.name === wanted);
  if (found) return found;
  throw new UnknownUserError(
    name,
    known.map((user) => user.name),
  );
}

function isRefusal(error: unknown, reason: string): boolean {
  return error instanceof GatewayRefusedError && error.reason === reason;
}
