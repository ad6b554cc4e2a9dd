/** What of a migration's plan is to be read first: how much goes on, what stands in the way, and what is to be decided. */
import type { Decision, MigrationPlan } from "../migrate/migration-plan.ts";
import type { Place } from "../migrate/reading.ts";

/** `ai2:/var/lib/gateway/app/.env:12`. */
export function placeText({ host, file, line }: Place): string {
  return `${host}:${file}${line === undefined ? "" : `:${String(line)}`}`;
}

/** The plan in numbers, and where to read on. */
export function glanceLines(plan: MigrationPlan): readonly string[] {
  const { services, keys, refusedKeys, users, aliases, aliasesLeftOut } = plan;
  const becoming = (what: (typeof services)[number]["becomes"]): string =>
    String(services.filter(({ becomes }) => becomes === what).length);
  const named = aliases.filter(({ at }) => at !== undefined).length;
  return [
    `${countOf(services.length, "service")}: ${becoming("container")} as containers, ${becoming("external")} where they are, ${becoming("left-out")} left out`,
    `${countOf(keys.length, "key")} and ${countOf(users.length, "user")} go on${refusedKeys.length > 0 ? `, ${countOf(refusedKeys.length, "key")} refused` : ""}`,
    `${countOf(named, "alias", "aliases")} go on${aliasesLeftOut.length > 0 ? `, ${String(aliasesLeftOut.length)} left out` : ""}`,
    `${countOf(plan.obstacles.length, "thing")} in the way, ${String(plan.decisions.length)} to be decided, ${countOf(plan.warnings.length, "warning")}, ${String(plan.notUnderstood.length)} not understood`,
  ];
}

function countOf(count: number, one: string, several = `${one}s`): string {
  return `${String(count)} ${count === 1 ? one : several}`;
}

/** Decisions; of those with the same way out the ways are told once. */
export function decisionLines(decisions: readonly Decision[]): readonly string[] {
  const alike = Map.groupBy(decisions, ({ assumed, otherwise }) => `${assumed}\n${otherwise}`);
  return [...alike.values()].flatMap((group) => [
    ...group.map(questionLine),
    ...group
      .slice(0, 1)
      .flatMap(({ assumed, otherwise }) => [
        `    Assumed: ${assumed}.`,
        `    Otherwise: ${otherwise}.`,
      ]),
  ]);
}

function questionLine({ id, question, at }: Decision): string {
  return `${id}: ${question}${at ? `  ${placeText(at)}` : ""}`;
}
