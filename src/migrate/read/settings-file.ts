/** The settings that a file sets, whichever kind of file sets them: an env file, a unit of systemd, a job of launchd. Pure. */
import { basename } from "node:path";
import type { Found, Place } from "../reading.ts";
import { readEnvFile } from "./env-file.ts";
import { readPlist } from "./plist.ts";
import { readUnit } from "./systemd-unit.ts";

/** Names to values. The old gateway read its `.env` with python-dotenv; systemd reads other env files. */
export function settingsInFile(bytes: Buffer, at: Place): ReadonlyMap<string, Found<string>> {
  if (at.file.endsWith(".plist")) return readPlist(bytes, at).found?.environment ?? new Map();
  if (/\.(?:service|conf)$/.test(at.file))
    return readUnit([{ bytes, at }]).found?.environment ?? new Map();
  const dialect = basename(at.file) === ".env" ? "dotenv" : "systemd";
  return readEnvFile(bytes, at, dialect).found;
}
