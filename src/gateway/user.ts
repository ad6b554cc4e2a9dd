/** People who log in, as the command line and the gateway speak of them: never a password, and its hash only on the way in. */

/** A password as it is kept: what PBKDF2 with HMAC-SHA-256 makes of its UTF-8 bytes. */
export type PasswordRecord = Readonly<{
  scheme: "pbkdf2-sha256";
  iterations: number;
  /** Hex. */
  salt: string;
  /** 32 bytes, hex. */
  hash: string;
  /** The salt of the record that this one was made from when the same password was given again. */
  remade_from?: string;
}>;

/** A user as the gateway keeps them. */
export type UserRecord = Readonly<{
  /** As `canonicalUserName` writes it. */
  name: string;
  password: PasswordRecord;
  admin: boolean;
  disabled: boolean;
  /** ISO 8601. */
  created_at: string;
}>;

/** A user as they are to be from now on; a password that is left out stays. */
export type UserChange = Readonly<
  Omit<UserRecord, "password"> & { password?: PasswordRecord | undefined }
>;

/** A user as they are listed. */
export type ListedUser = Readonly<
  Omit<UserRecord, "password"> & {
    /** Logins that have not ended. */
    sessions: number;
  }
>;

/** What the CLI can ask of the gateway about users. */
export type UserRequest = Readonly<
  | { op: "users.list" }
  /** Adding the very same record once more changes nothing, also where its password was hashed anew since. */
  | { op: "users.add"; user: UserRecord }
  /** Ends the user's sessions when they are disabled or their password is another one. */
  | { op: "users.replace"; user: UserChange }
  | { op: "users.remove"; name: string }
>;

/** Results of those, by op. */
export type UserResult = Readonly<{
  "users.list": readonly ListedUser[];
  "users.add": null;
  "users.replace": null;
  "users.remove": null;
}>;

/** Rounds of PBKDF2 that a new hash takes: what OWASP's password storage cheat sheet asks of PBKDF2-HMAC-SHA256. */
export const passwordRounds = 600_000;

/** What a user may be called, as `canonicalUserName` writes it: nothing that a terminal or a log line would stumble over. */
export const userName = /^[\p{L}\p{N}_][\p{L}\p{M}\p{N} .@+_-]{0,63}(?<! )$/u;

/** A user's name as it is kept and compared: without spaces around it, in lower case, composed (NFC). */
export function canonicalUserName(text: string): string {
  return text.trim().normalize("NFC").toLowerCase().normalize("NFC");
}
