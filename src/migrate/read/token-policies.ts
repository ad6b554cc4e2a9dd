/** Policies of the old gateway's tokens: `token_policies.json`, or the value of `GATEWAY_TOKEN_POLICIES_JSON`. Pure. */
import type { FoundPolicy } from "../inventory.ts";
import type { Place, Reading } from "../reading.ts";
import { Secret } from "../secret.ts";
import { convertDocument } from "./document.ts";
import { readJson } from "./json.ts";
import { policyOf } from "./policy.ts";

/** A token with its policy, in the order of the file. */
export type FoundTokenPolicy = Readonly<{ token: Secret; policy: FoundPolicy; at: Place }>;

/** Reads `token_policies.json`, or the value of `GATEWAY_TOKEN_POLICIES_JSON`. The names are tokens: notes call them by their number. */
export function readTokenPolicies(bytes: Buffer, at: Place): Reading<readonly FoundTokenPolicy[]> {
  return convertDocument(readJson(bytes, at), at, (root, notes) =>
    [...root].flatMap(([token, part], index) => {
      const what = `policies[${index}]`;
      if (part.kind === "map" && token !== "") {
        const policy = policyOf(part.entries, what, notes);
        return [{ token: new Secret(token), policy, at: notes.place(part.line) }];
      }
      notes.add(part.line, what, "has no token or no policy: the old gateway dropped it.");
      return [];
    }),
  );
}
