import { createConnection } from "node:net";
import { expect, test } from "vitest";
import {
  addUser,
  changeUser,
  createUser,
  findUser,
  InvalidUserNameError,
  removeUser,
  UnknownUserError,
  UserNameTakenError,
} from "../../src/apply/users.ts";
import type { UserRecord } from "../../src/gateway/user.ts";
import { linkOver } from "../../src/readiness/gateway-link.ts";
import { launchGateway } from "../support/gateway.ts";

const password = "correct horse";
const imported: UserRecord = {
  name: "ada",
  password: {
    scheme: "pbkdf2-sha256",
    iterations: 120_000,
    salt: "00112233445566778899aabbccddeeff",
    hash: "ab".repeat(32),
  },
  admin: true,
  disabled: false,
  created_at: "2025-12-01T00:00:00Z",
};

/** A gateway, and the command line's end of its control channel. */
async function open() {
  const gateway = await launchGateway({}, { withKey: false });
  const socket = createConnection(gateway.socket);
  const link = linkOver({ stdin: socket, stdout: socket });
  return {
    link,
    logIn: async (username: string, secret: string) => {
      const body = JSON.stringify({ username, password: secret });
      return (await fetch(`${gateway.url}/v1/sessions`, { method: "POST", body })).status;
    },
    async [Symbol.asyncDispose]() {
      await link.close();
      await gateway.close();
    },
  };
}

test("a user who is made here logs in there, until they are disabled, and with a new password again", async () => {
  await using scene = await open();
  const { link, logIn } = scene;
  const now = new Date("2026-11-23T12:00:00Z");
  const made = await createUser(link, { name: " Ada", admin: false, password }, now);
  expect(made).toEqual({
    name: "ada",
    admin: false,
    disabled: false,
    created_at: now.toISOString(),
  });
  expect(await logIn("ada", password)).toBe(201);
  expect(await findUser(link, "ADA")).toEqual({ ...made, sessions: 1 });
  expect(await changeUser(link, "Ada", { disabled: true })).toEqual({ ...made, disabled: true });
  expect(await logIn("ada", password)).toBe(401);
  await changeUser(link, "ada", { disabled: false, password: "another horse" });
  expect([await logIn("ada", password), await logIn("ada", "another horse")]).toEqual([401, 201]);
  expect(await removeUser(link, "ADA")).toBe("ada");
  expect(await logIn("ada", "another horse")).toBe(401);
});

test("a user of an old installation can be added by a migration that runs again, and by nobody else", async () => {
  await using scene = await open();
  await addUser(scene.link, imported);
  await addUser(scene.link, { ...imported, name: "Ada " });
  const other = { ...imported, admin: false };
  await expect(addUser(scene.link, other)).rejects.toBeInstanceOf(UserNameTakenError);
  const wish = { name: "ada", admin: false, password };
  await expect(createUser(scene.link, wish)).rejects.toBeInstanceOf(UserNameTakenError);
  expect(await findUser(scene.link, "ada")).toMatchObject({ admin: true });
});

test("a name that is not there is told with the one that may be meant", async () => {
  await using scene = await open();
  await addUser(scene.link, imported);
  const failures = [
    findUser(scene.link, "aad"),
    changeUser(scene.link, "aad", { disabled: true }),
    removeUser(scene.link, "aad"),
  ];
  for (const failure of failures) {
    await expect(failure).rejects.toBeInstanceOf(UnknownUserError);
    await expect(failure).rejects.toMatchObject({
      exitCode: 2,
      remedy: expect.stringContaining("Did you mean `ada`?"),
    });
  }
});

test.each(["", " ", "-rf", "a:b", "a\u001b[31m", "x".repeat(65)])("%j is no name", async (name) => {
  await using scene = await open();
  const wish = { name, admin: false, password };
  await expect(createUser(scene.link, wish)).rejects.toBeInstanceOf(InvalidUserNameError);
});
