/** The bearer tokens of the ancestor's gateway, as keys of the stack's. Pure. */
import type { Note } from "../compose/note.ts";
import type { FoundPolicy } from "../inventory.ts";
import { isPlaceholder } from "../read/known-token.ts";
import { flagsOf, policiesOf } from "./policies.ts";
import type { Settings } from "./settings.ts";

/** A key that exists already: its name here, the key itself, and the command that has the gateway accept it with its limits. */
export type OldKey = Readonly<{
  name: string;
  key: string;
  policy: FoundPolicy;
  /** Where it stands. */
  place: Pick<Note, "file" | "line">;
  command: string;
}>;

/** The keys to go on with, and what is to be known of tokens. */
export type Tokens = Readonly<{ keys: readonly OldKey[]; notes: readonly Note[] }>;

/** Whoever can try many tokens finds a short one. */
const shortest = 12;

/** Reads `GATEWAY_BEARER_TOKENS`, which replaces `GATEWAY_BEARER_TOKEN` where it is set. */
export function tokensOf(settings: Settings): Tokens {
  const many = settings.get("GATEWAY_BEARER_TOKENS");
  const said = many ?? settings.get("GATEWAY_BEARER_TOKEN");
  if (!said) return { keys: [], notes: [] };
  const texts = (many ? many.value.split(",") : [said.value]).map((token) => token.trim());
  const tokens = [...new Set(texts.filter((token) => token !== ""))];
  const refused = tokens.flatMap((token) => refusal(token) ?? []);
  const policies = policiesOf(settings);
  const keys = tokens
    .filter((token) => refusal(token) === undefined)
    .map((key, index) => {
      const name = index === 0 ? "gateway-token" : `gateway-token-${index + 1}`;
      const policy = policies.of(key);
      const words = ["nexus keys add", name, "--existing", ...flagsOf(policy)];
      return { name, key, policy, place: said.note("changed", ""), command: words.join(" ") };
    });
  return {
    keys,
    notes: [
      ...refused.map((why) => said.note("decide", why)),
      ...(keys.length > 0 ? [said.note("changed", carried(keys))] : []),
      ...policies.notes,
    ],
  };
}

function carried(keys: readonly OldKey[]): string {
  const names = keys.map(({ name }) => name).join(", ");
  return `goes on as the key ${names}, so that clients that have it need no other`;
}

function refusal(token: string): string | undefined {
  if (isPlaceholder(token))
    return "is a token that everybody knows, and is not accepted: give its clients the key of the first `nexus up`";
  return token.length < shortest
    ? "is a token short enough to be guessed, and is not accepted: give its clients the key of the first `nexus up`"
    : undefined;
}
