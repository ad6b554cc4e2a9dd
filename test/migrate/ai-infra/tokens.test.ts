import { hash } from "node:crypto";
import { expect, test } from "vitest";
import { settingsAt } from "../../../src/migrate/ai-infra/settings.ts";
import { findTokens } from "../../../src/migrate/ai-infra/tokens.ts";

const at = { host: "ai2", file: "/var/lib/gateway/app/.env", line: 7 };

test("every token of the list is carried as its digest, with what a policy says of it", () => {
  const found = tokensOf({
    GATEWAY_BEARER_TOKENS: " one-of-the-two-tokens-here ,two-of-the-two-tokens-here,",
    GATEWAY_TOKEN_POLICIES_JSON: JSON.stringify({
      "two-of-the-two-tokens-here": {
        ip_allowlist: "10.0.0.0/8, 127.0.0.1",
        max_request_bytes: 250_000,
        tools_allowlist: "noop",
        tools_rate_limit_rps: "",
      },
    }),
  });
  expect(found).toEqual([
    {
      at,
      kind: "token",
      name: "ai-infra-1",
      digest: `sha256:${hash("sha256", "one-of-the-two-tokens-here")}`,
      hint: "one-of",
    },
    {
      at,
      kind: "token",
      name: "ai-infra-2",
      digest: `sha256:${hash("sha256", "two-of-the-two-tokens-here")}`,
      hint: "two-of",
      policy: {
        ipAllowlist: ["10.0.0.0/8", "127.0.0.1"],
        maxRequestBytes: 250_000,
        tools: { tools_allowlist: "noop" },
      },
    },
  ]);
});

test("what the old gateway did not accept is refused, and says why", () => {
  const found = tokensOf({
    GATEWAY_BEARER_TOKEN: "the-single-token-of-before",
    GATEWAY_BEARER_TOKENS: "REPLACE_ME,a-token-that-somebody-uses,change-me-in-production",
    GATEWAY_TOKEN_POLICIES_JSON: '{"a-token-that-no-list-names": {}}',
  });
  expect(found.map(({ refused }) => refused)).toEqual([
    expect.stringContaining("placeholder"),
    undefined,
    expect.stringContaining("placeholder"),
    expect.stringContaining("not on it"),
    expect.stringContaining("only a policy"),
  ]);
});

test("a token that stands in the list, alone and in a policy is one token", () => {
  const token = "a-token-that-stands-everywhere";
  const found = tokensOf({
    GATEWAY_BEARER_TOKEN: token,
    GATEWAY_BEARER_TOKENS: `${token},${token}`,
    GATEWAY_TOKEN_POLICIES_JSON: JSON.stringify({ [token]: { max_request_bytes: 10 } }),
  });
  expect(found).toHaveLength(1);
  expect(found[0]).toMatchObject({ policy: { maxRequestBytes: 10 } });
  expect(found[0]).not.toHaveProperty("refused");
});

test("without a list the single token counts, commas and all", () => {
  expect(tokensOf({ GATEWAY_BEARER_TOKEN: "one,token,with,commas" })).toMatchObject([
    { digest: `sha256:${hash("sha256", "one,token,with,commas")}` },
  ]);
});

test("a short token is not given away by its hint", () => {
  expect(tokensOf({ GATEWAY_BEARER_TOKEN: "hunter2" })).toMatchObject([{ hint: "h" }]);
});

test("a policy that is no JSON is told with its place and without its tokens", () => {
  const { notUnderstood } = findTokens(
    settingsAt({ GATEWAY_TOKEN_POLICIES_JSON: '{"my-very-secret-token": {' }, at),
  );
  expect(notUnderstood).toMatchObject([{ at }]);
  expect(JSON.stringify(notUnderstood)).not.toContain("my-very-secret-token");
});

function tokensOf(values: Readonly<Record<string, string>>) {
  return findTokens(settingsAt(values, at)).tokens ?? [];
}

test("nobody gets in whose limits cannot be read, where the old gateway was strict about that", () => {
  const settings = { GATEWAY_BEARER_TOKEN: "a-token-that-somebody-uses" };
  const broken = { ...settings, GATEWAY_TOKEN_POLICIES_JSON: '{"a-token' };
  const [strict] = tokensOf({ ...broken, GATEWAY_TOKEN_POLICIES_STRICT: "true" });
  expect(strict?.refused).toContain("limits cannot be read");
  expect(
    tokensOf({ ...broken, GATEWAY_TOKEN_POLICIES_STRICT: "false" })[0]?.refused,
  ).toBeUndefined();
  expect(
    tokensOf({ ...settings, GATEWAY_TOKEN_POLICIES_STRICT: "true" })[0]?.refused,
  ).toBeUndefined();
});
