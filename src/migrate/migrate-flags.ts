/** Which flags of `nexus migrate` go together. Pure. */
import { exitCodes, NexusError } from "../errors.ts";

/** Flags that do not belong together. */
export class MigrateFlagsError extends NexusError {
  readonly code = "NEXUS_MIGRATE_FLAGS";
  readonly exitCode = exitCodes.usage;
  readonly remedy = "See what goes together with `nexus migrate --help`.";
}

/** What was given, as far as it decides. */
export type GivenFlags = Readonly<Record<string, unknown>> &
  Readonly<{ from?: string | undefined }>;

const ofInstallations = ["host", "here", "models", "gateway-port", "name", "stop-legacy"];
/** What is done with a migration that has begun; these flags alone go with it. */
const ofMigrations = ["rollback", "start-legacy"];
const besideThose = ["source", "host", "output", "yes", "json", "file", "context", "profile"];

/** Throws {@link MigrateFlagsError}. */
export function refuseMismatched(flags: GivenFlags): void {
  const given = Object.keys(flags).filter((flag) => isGiven(flags[flag]));
  const way = given.find((flag) => ofMigrations.includes(flag));
  const rules = way === undefined ? rulesOfBeginning : [besidesWay(way)];
  const problem = rules.map((rule) => rule(given, flags)).find((each) => each !== undefined);
  if (problem !== undefined) throw new MigrateFlagsError(problem);
}

/** A sentence about what does not go together, or nothing. */
type Rule = (given: readonly string[], flags: GivenFlags) => string | undefined;

const rulesOfBeginning: readonly Rule[] = [
  (given, { from }) => {
    const ofSome = [...ofInstallations, "source", "output", "yes"];
    const aimless = given.find((flag) => from === undefined && ofSome.includes(flag));
    return aimless && `--${aimless} says how, and not what: give --from with it.`;
  },
  (given, { from }) => {
    const others = from !== undefined && from !== "ai-infra";
    const foreign = given.find((flag) => others && ofInstallations.includes(flag));
    return foreign && `--${foreign} is for --from ai-infra, and not for --from ${from}.`;
  },
  (_, { from, source }) =>
    from === "ai-infra" && Array.isArray(source) && source.length > 1
      ? "An ai-infra is read from one folder or archive: give --source once."
      : undefined,
  (given) =>
    given.includes("stop-legacy") && given.includes("dry-run")
      ? "--dry-run changes nothing, and --stop-legacy stops services."
      : undefined,
  (given) =>
    given.includes("stop-legacy") && given.includes("source")
      ? "--source is a copy, where nothing runs: name the hosts with --host to have their services stopped."
      : undefined,
];

function besidesWay(way: string): Rule {
  return (given) => {
    const other = given.find((flag) => flag !== way && !besideThose.includes(flag));
    return other && `--${way} is about a migration that has begun: it takes no --${other}.`;
  };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
}
