/** Passwords on their way to the gateway, which is told their hashes only. */
import { pbkdf2, randomBytes } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { promisify } from "node:util";
import { exitCodes, NexusError } from "../errors.ts";
import { passwordRounds, type PasswordRecord } from "../gateway/user.ts";

const shortest = 8;
/** Shorter than what the gateway reads of a login. */
const longest = 1_024;
/** Room for the longest password in the longest characters, and a line's end. */
const mostBytes = 4 * longest + 2;

/** A password that is too easy to guess, or longer than the gateway takes. */
export class PasswordLengthError extends NexusError {
  readonly code = "NEXUS_PASSWORD_LENGTH";
  readonly exitCode = exitCodes.usage;
  readonly remedy = `Choose one of ${shortest} characters or more; several words make a good one.`;

  constructor(characters: number) {
    super(
      characters < shortest
        ? `The password has fewer than ${shortest} characters.`
        : `The password has more than ${longest} characters.`,
    );
  }
}

/** There is no password where one was said to be. */
export class PasswordMissingError extends NexusError {
  readonly code = "NEXUS_PASSWORD_MISSING";
  readonly exitCode = exitCodes.usage;
  readonly remedy =
    "Write the password, and nothing else, into the file that --password-file names, or leave the flag out to be asked.";

  constructor(where: string, because: string) {
    super(`There is no password in ${where}: ${because}.`);
  }
}

const derivation = promisify(pbkdf2);

/** What the gateway keeps of a new password. Throws PasswordLengthError. */
export async function hashPassword(password: string): Promise<PasswordRecord> {
  refuseLength(password);
  const [salt, iterations] = [randomBytes(16), passwordRounds];
  const hash = await derivation(password, salt, iterations, 32, "sha256");
  const hex = { salt: salt.toString("hex"), hash: hash.toString("hex") };
  return { scheme: "pbkdf2-sha256", iterations, ...hex };
}

/** Throws PasswordLengthError where a new password is too short or too long. */
export function refuseLength(password: string): void {
  const characters = Array.from(password).length;
  if (characters < shortest || characters > longest) throw new PasswordLengthError(characters);
}

/** The password in a file, `-` for what comes in on stdin: all of it but the end of its line. Throws PasswordMissingError. */
export async function readPassword(
  path: string,
  input: AsyncIterable<string | Buffer>,
): Promise<string> {
  const where = path === "-" ? "what came in" : path;
  const bytes = path === "-" ? await readAll(input) : await readWhole(path);
  if (bytes.length > mostBytes) throw new PasswordMissingError(where, "it is far too long");
  const password = bytes.toString("utf8").replace(/\r?\n$/, "");
  if (password === "") throw new PasswordMissingError(where, "it is empty");
  if (/[\r\n]/.test(password)) throw new PasswordMissingError(where, "it has more than one line");
  return password;
}

async function readAll(input: AsyncIterable<string | Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of input) {
    chunks.push(Buffer.from(chunk));
    bytes += chunk.length;
    if (bytes > mostBytes) break;
  }
  return Buffer.concat(chunks);
}

async function readWhole(path: string): Promise<Buffer> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw new PasswordMissingError(path, "it is a folder");
    if (found.size > mostBytes) throw new PasswordMissingError(path, "it is far too long");
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT")
      throw new PasswordMissingError(path, "it is not there");
    throw error;
  }
}
