/** What nobody may find in any output: every secret of the fixture, by what it is. */

/** The secrets of the fixture. */
export type AiInfraSecrets = Readonly<{
  /** Bearer tokens of the list: the first two have policies. */
  admin: string;
  automation: string;
  plain: string;
  /** Has a policy, but no list names it. */
  forgotten: string;
  telegram: string;
  huggingFace: string;
  /** API keys of users, in the order live, revoked, expired. */
  apiKeys: readonly [string, string, string];
  passwords: Readonly<Record<"ada" | "brian" | "carol", string>>;
  session: string;
}>;

/** The secrets that a fixture has unless its builder is told others. */
export const defaultSecrets: AiInfraSecrets = {
  admin: "adm1n-4f1c9b7e2d6a8053c1e7f9b2d4a6",
  automation: "aut0-8d2b6f4e1c3a5079b8d6f4e2c1a3",
  plain: "pl4in-0b3d5f7a9c1e2846f8a0c2e4b6d8",
  forgotten: "f0rgotten-7a5c3e1f9b8d6042a4c6e8f0",
  telegram: "7312345678:AAH9xQk-fixture-Zb3LmN0pQrStUvWxYz012",
  huggingFace: "hf_FixtureQwErTyUiOpAsDfGhJkLzXcVbNm",
  apiKeys: [
    "gk_live0Zy8Xw6Vu4Ts2Rq0Po8Nm6Lk4Ji2Hg0Fe8Dc6Ba4",
    "gk_revoked1Yx9Wv7Ut5Sr3Qp1On9Ml7Kj5Ih3Gf1Ed9Cb7",
    "gk_expired2Xw0Vu8Ts6Rq4Po2Nm0Lk8Ji6Hg4Fe2Dc0Ba8",
  ],
  passwords: { ada: "lovelace-1843!", brian: "kernighan & ritchie", carol: "shaw-§-ünï" },
  session: "sess-3c5e7a9b1d2f4068a8c0e2f4b6d8e0f2",
};

/** Every secret as text. */
export function allSecrets(secrets: AiInfraSecrets): readonly string[] {
  return Object.values(secrets).flatMap((value) =>
    typeof value === "string" ? [value] : Object.values(value),
  );
}
