import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import {
  hashPassword,
  PasswordLengthError,
  PasswordMissingError,
  readPassword,
} from "../../src/apply/passwords.ts";
import { deriveOnThread, Hasher } from "../../src/gateway/users/hashing.ts";

const nothing = Readable.from([]);

async function fileWith(content: string | Buffer) {
  const folder = await mkdtemp(join(tmpdir(), "nexus-password-"));
  const path = join(folder, "password.txt");
  await writeFile(path, content);
  return { path, folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

test("what is made of a password here is what the gateway checks it against", async () => {
  const record = await hashPassword("correct horse");
  const hasher = new Hasher(deriveOnThread);
  expect(record).toMatchObject({ scheme: "pbkdf2-sha256", iterations: 600_000 });
  expect(await hasher.isRight("correct horse", record)).toBe(true);
  expect(await hasher.isRight("correct horsf", record)).toBe(false);
});

test.each(["", "1234567", "😀😀😀😀", "x".repeat(1_025)])(
  "%j is refused for its length",
  async (password) => {
    await expect(hashPassword(password)).rejects.toBeInstanceOf(PasswordLengthError);
  },
);

describe("a password file", () => {
  test.each([
    ["a line", "correct horse\n", "correct horse"],
    ["a line from Windows", "correct horse\r\n", "correct horse"],
    ["a line without an end", "correct horse", "correct horse"],
    ["spaces, which are part of it", "  correct horse  \n", "  correct horse  "],
    ["letters beyond ASCII", "Grüße, Welt\n", "Grüße, Welt"],
  ])("may hold %s", async (_, content, password) => {
    await using file = await fileWith(content);
    expect(await readPassword(file.path, nothing)).toBe(password);
    expect(await readPassword("-", Readable.from([content]))).toBe(password);
  });

  test.each([
    ["nothing", ""],
    ["an empty line", "\n"],
    ["two lines", "one line\nand another\n"],
    ["far too much", "x".repeat(100_000)],
  ])("may not hold %s", async (_, content) => {
    await using file = await fileWith(content);
    await expect(readPassword(file.path, nothing)).rejects.toBeInstanceOf(PasswordMissingError);
    const piped = readPassword("-", Readable.from([content]));
    await expect(piped).rejects.toBeInstanceOf(PasswordMissingError);
  });

  test("has to be there, and be a file", async () => {
    await using file = await fileWith("x");
    for (const path of [`${file.path}.txt`, file.folder]) {
      await expect(readPassword(path, nothing)).rejects.toMatchObject({
        code: "NEXUS_PASSWORD_MISSING",
        message: expect.stringContaining(path),
      });
    }
  });
});
