/** Puts together what users need. */
import type { Log } from "../metrics/log.ts";
import type { GatewaySettings } from "../settings.ts";
import { FrontDesk } from "./front-desk.ts";
import { deriveOnThread } from "./hashing.ts";
import { UserBook } from "./user-book.ts";

/** Opens the book of users and the desk in front of it; a file that cannot be read leaves nobody who may log in, and keys as they are. */
export async function openUsers(
  { usersFile, sessionsFile }: GatewaySettings,
  log: Log,
): Promise<Readonly<{ users: UserBook; frontDesk: FrontDesk }>> {
  const tell = (event: string) => (error: unknown) =>
    log("error", event, { reason: error instanceof Error ? error.name : "unknown" });
  const files = { users: usersFile, sessions: sessionsFile, onUnread: tell("users.rejected") };
  const users = await UserBook.open(files, Date.now());
  const onNotRemade = tell("users.not_remade");
  const parts = { book: users, derive: deriveOnThread, now: () => Date.now(), onNotRemade };
  return { users, frontDesk: new FrontDesk(parts) };
}
