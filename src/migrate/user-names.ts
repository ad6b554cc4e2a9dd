/** Which users of an old gateway can be users here: names are compared without regard to case, and some are no names. Pure. */
import { canonicalUserName, userName } from "../gateway/user.ts";

/** Users that go on, and the others with the reason. */
export type SortedUsers<User> = Readonly<{
  kept: readonly User[];
  leftOut: readonly Readonly<{ user: User; because: string }>[];
}>;

/** Sorts users, in the order in which they were made: of several whose names are the same here, the first keeps it. */
export function sortUsers<User>(
  users: readonly User[],
  nameOf: (user: User) => string,
): SortedUsers<User> {
  const kept: User[] = [];
  const leftOut: Readonly<{ user: User; because: string }>[] = [];
  const taken = new Map<string, string>();
  for (const user of users) {
    const name = canonicalUserName(nameOf(user));
    const first = taken.get(name);
    if (!userName.test(name))
      leftOut.push({ user, because: "that cannot be the name of a user here" });
    else if (first !== undefined)
      leftOut.push({ user, because: `here that is the same name as ${first}, who came first` });
    else {
      taken.set(name, nameOf(user));
      kept.push(user);
    }
  }
  return { kept, leftOut };
}
