/** The policy of a user's API key: `policy_json` of the old gateway's database. Pure. */
import type { FoundPolicy } from "../inventory.ts";
import type { Place, Reading } from "../reading.ts";
import { convertDocument } from "./document.ts";
import { readJson } from "./json.ts";
import { policyOf } from "./policy.ts";

/** Reads the `policy_json` of a user's API key. */
export function readUserPolicy(bytes: Buffer, at: Place): Reading<FoundPolicy> {
  return convertDocument(readJson(bytes, at), at, (root, notes) => policyOf(root, "policy", notes));
}
