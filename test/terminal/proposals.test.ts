/** What `nexus migrate` alone says. */
import { expect, test } from "vitest";
import { formatProposals } from "../../src/terminal/proposals.ts";

test("what could be migrated is told with the command that shows what would become of it", () => {
  const proposal = {
    kind: "ai-infra" as const,
    where: "/var/lib/gateway",
    why: "its gateway is installed here",
    command: "nexus migrate --from ai-infra --dry-run",
  };
  expect(formatProposals([proposal])).toBe(
    [
      "What could be migrated, the best first:",
      "",
      "ai-infra: /var/lib/gateway (its gateway is installed here)",
      "  nexus migrate --from ai-infra --dry-run",
    ].join("\n"),
  );
});

test("where there is nothing, it says how to go on", () => {
  expect(formatProposals([])).toContain("--from");
});
