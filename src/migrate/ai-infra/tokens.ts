/** Bearer tokens of the old gateway's settings, with their policies. Pure. */
import type { FoundPolicy, FoundToken } from "../inventory.ts";
import { readJson } from "../read/json.ts";
import { isPlaceholder } from "../read/known-token.ts";
import { type FoundTokenPolicy, readTokenPolicies } from "../read/token-policies.ts";
import type { Found } from "../reading.ts";
import { Secret } from "../secret.ts";
import type { Part } from "./part.ts";
import { setting, splitList, switchSetting, type Settings } from "./settings.ts";

/** The tokens that the gateway accepted, in the order of its settings, and those that it did not, with the reason. */
export function findTokens(settings: Settings): Part {
  const policies = policiesOf(settings);
  const listed = tokensOf(settings, "GATEWAY_BEARER_TOKENS");
  const single = tokensOf(settings, "GATEWAY_BEARER_TOKEN");
  const replaced = listed.length > 0;
  const shut = isShut(settings)
    ? { refused: "its limits cannot be read: the old gateway let nobody in then" }
    : {};
  const candidates: readonly Candidate[] = [
    ...listed.map((token) => ({ token, ...shut })),
    ...single.map((token) => ({
      token,
      ...shut,
      ...(replaced && {
        refused: "the old gateway had a list of tokens, and this one is not on it",
      }),
    })),
    ...policies.found.map(({ token, at }) => ({
      token: { value: token, at },
      refused: "only a policy names it: the old gateway did not accept it",
    })),
  ];
  const tokens = firstOfEach(candidates).map((candidate, index) =>
    tokenOf(candidate, index, policies.found),
  );
  return { tokens, notUnderstood: policies.notUnderstood };
}

/** Whether the old gateway refused everybody: it was to be strict, and its policies are no JSON. */
function isShut(settings: Settings): boolean {
  const found = setting(settings, "GATEWAY_TOKEN_POLICIES_JSON");
  const strict = switchSetting(settings, "GATEWAY_TOKEN_POLICIES_STRICT")?.value === true;
  return strict && found !== undefined && !isMap(found);
}

function isMap({ value, at }: Found<string>): boolean {
  return readJson(Buffer.from(value), at).found?.kind === "map";
}

type Candidate = Readonly<{ token: Found<Secret>; refused?: string }>;

/** A token that two places name is one token: the first is the one that counted. */
function firstOfEach(candidates: readonly Candidate[]): readonly Candidate[] {
  const seen = new Set<string>();
  return candidates.filter(({ token }) => {
    const digest = token.value.digest();
    if (seen.has(digest)) return false;
    seen.add(digest);
    return true;
  });
}

function tokensOf(settings: Settings, name: string): readonly Found<Secret>[] {
  const found = setting(settings, name);
  const texts = name.endsWith("S") ? splitList(found?.value ?? "") : found ? [found.value] : [];
  return found ? texts.map((text) => ({ value: new Secret(text), at: found.at })) : [];
}

function policiesOf(settings: Settings): ReturnType<typeof readTokenPolicies> {
  const found = setting(settings, "GATEWAY_TOKEN_POLICIES_JSON");
  return found
    ? readTokenPolicies(Buffer.from(found.value), found.at)
    : { found: [], notUnderstood: [] };
}

function tokenOf(
  { token, refused }: Candidate,
  index: number,
  policies: readonly FoundTokenPolicy[],
): FoundToken {
  const digest = token.value.digest();
  const policy = policies.find((each) => each.token.digest() === digest)?.policy;
  const why = refusalOf(token.value) ?? refused;
  return {
    at: token.at,
    kind: "token",
    name: `ai-infra-${index + 1}`,
    digest,
    hint: hintOf(token.value),
    ...(policy && { policy: withoutBlank(policy) }),
    ...(why !== undefined && { refused: why }),
  };
}

function refusalOf(token: Secret): string | undefined {
  return isPlaceholder(token.reveal()) ? "it is a placeholder that everybody knows" : undefined;
}

function withoutBlank({ tools, ...limits }: FoundPolicy): FoundPolicy {
  const set = Object.entries(tools).filter(([, value]) => value !== "" && value !== null);
  return { ...limits, tools: Object.fromEntries(set) };
}

/** A quarter of a token at most, so that a short one is not given away. */
function hintOf(token: Secret): string {
  const text = token.reveal();
  return text.slice(0, Math.min(7, Math.floor(text.length / 4)));
}
