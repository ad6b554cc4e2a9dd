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
  expect(formatProposals({ proposals: [proposal], looked: [] })).toBe(
    [
      "What could be migrated, the best first:",
      "",
      "ai-infra: /var/lib/gateway (its gateway is installed here)",
      "  nexus migrate --from ai-infra --dry-run",
    ].join("\n"),
  );
});

test("where there is nothing, it says where it looked and how to go on", () => {
  const text = formatProposals({ proposals: [], looked: ["/home/me (Compose files)"] });
  expect(text).toContain("  /home/me (Compose files)\n");
  expect(text).toContain("--from");
});
