/** Users as a table. Pure. */
import type { ListedUser } from "../gateway/user.ts";
import { table } from "./table.ts";
import type { Theme } from "./theme.ts";
import { formatAge } from "./units.ts";

/** The users of a gateway, oldest first as it keeps them. */
export function formatUsers(
  users: readonly ListedUser[],
  look: Readonly<{ theme: Theme; nowMs: number; width?: number | undefined }>,
): string {
  if (users.length === 0) return "There are no users. Make one with `nexus users add <name>`.";
  const { theme, nowMs, width } = look;
  return table(
    users,
    [
      { title: "NAME", value: ({ name }) => name, shrink: true },
      { title: "RIGHTS", value: ({ admin }) => (admin ? "inference, admin" : "inference") },
      {
        title: "LOGIN",
        value: ({ disabled }) => (disabled ? "disabled" : "allowed"),
        paint: ({ disabled }) => (disabled ? theme.bad : theme.dim),
      },
      { title: "SESSIONS", value: ({ sessions }) => String(sessions), align: "right" },
      { title: "AGE", value: ({ created_at }) => formatAge(created_at, nowMs) },
    ],
    { theme, width },
  );
}
