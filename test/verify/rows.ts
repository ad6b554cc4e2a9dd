/** Verifies a spoilt service and reads the rows. */
import { verifyAtAddress } from "../../src/verify/at-address.ts";
import type { Finding } from "../../src/verify/finding.ts";
import { type Given, type Spoilt, startService } from "./service.ts";

const everything = ["chat", "embedding", "rerank", "tts", "asr", "image"];

/** The rows of a service that promises everything, with these answers spoilt. */
export async function verify(
  spoilt: Spoilt = {},
  provides: readonly string[] = everything,
): Promise<readonly Finding[]> {
  const service = await startService(spoilt);
  try {
    const question = { url: service.url, name: "mine", provides, models: ["echo-1"] };
    return (await verifyAtAddress(question)).findings;
  } finally {
    await service.stop();
  }
}

/** `group / check` of every row that ended so. */
export function rows(findings: readonly Finding[], outcome: Finding["outcome"]): readonly string[] {
  return findings
    .filter((finding) => finding.outcome === outcome)
    .map(({ group, check }) => `${group} / ${check}`);
}

/** What the row of that name says. */
export function detailOf(findings: readonly Finding[], check: string): string {
  return findings.find((finding) => finding.check === check)?.detail ?? "";
}

/** The same answer to every request. */
export const always =
  (given: Given): Spoilt[string] =>
  () =>
    given;

/** The honest JSON, changed. */
export const changed =
  (change: (document: Record<string, never>) => unknown): Spoilt[string] =>
  async ({ honest }) => {
    const answer = await honest();
    const document = (await answer.json()) as Record<string, never>;
    return { status: answer.status, body: change(document) };
  };
