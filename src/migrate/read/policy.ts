/** Policies of the old gateway's tokens and API keys, with what its auth.py made of each value. Pure. */
import { isIP } from "node:net";
import type { FoundPolicy } from "../inventory.ts";
import { type Notes, type Part, plainMap } from "./document.ts";
import { defined, Fields } from "./fields.ts";

/** No client has this address: a list that was all wrong let nobody in, and so does this. */
const nobody = "0.0.0.0/32";

/** What a policy limits; limits of tools are kept as they are, and what is no limit is noted. */
export function policyOf(
  entries: ReadonlyMap<string, Part>,
  what: string,
  notes: Notes,
): FoundPolicy {
  const isTools = ([name]: readonly [string, Part]): boolean => name.startsWith("tools_");
  const fields = new Fields(new Map([...entries].filter((entry) => !isTools(entry))), what, notes);
  const line = entries.get("ip_allowlist")?.line ?? 1;
  const note = (why: string): void => notes.add(line, `${what}.ip_allowlist`, why);
  const policy = {
    ipAllowlist: addressesOf(fields.text("ip_allowlist"), note),
    maxRequestBytes: fields.number("max_request_bytes"),
    tools: plainMap(new Map([...entries].filter(isTools))),
  };
  fields.noteRest("is nothing that the old gateway knew in a policy.");
  return defined(policy);
}

/** Addresses and ranges between commas. Undefined for a blank list: then the gateway's own held. */
function addressesOf(
  text: string | undefined,
  note: (why: string) => void,
): readonly string[] | undefined {
  const given = (text ?? "").split(",").map((part) => part.trim());
  const listed = given.filter((part) => part !== "");
  const valid = listed.filter(isRange);
  if (text === undefined) return undefined;
  if (valid.length < listed.length)
    note("has an entry that is neither an address nor a range: the old gateway ignored it.");
  if (valid.length > 0) return valid;
  note("has no valid address: the old gateway let nobody in, and so it stays.");
  return [nobody];
}

function isRange(text: string): boolean {
  const [address = "", prefix, ...more] = text.split("/");
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  if (prefix === undefined) return true;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128);
}
