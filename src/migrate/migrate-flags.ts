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

const ofInstallations = ["host", "here", "models", "gateway-port", "name"];

/** Throws {@link MigrateFlagsError}. */
export function refuseMismatched(flags: GivenFlags): void {
  const { from } = flags;
  const given = Object.keys(flags).filter((flag) => isGiven(flags[flag]));
  const ofSome = [...ofInstallations, "source", "output", "yes"];
  const aimless = given.find((flag) => from === undefined && ofSome.includes(flag));
  if (aimless !== undefined)
    throw new MigrateFlagsError(`--${aimless} says how, and not what: give --from with it.`);
  const foreign = given.find(
    (flag) => from !== undefined && from !== "ai-infra" && ofInstallations.includes(flag),
  );
  if (foreign !== undefined)
    throw new MigrateFlagsError(
      `--${foreign} is for --from ai-infra, and not for --from ${from ?? "nothing"}.`,
    );
  const { source } = flags;
  if (from === "ai-infra" && Array.isArray(source) && source.length > 1)
    throw new MigrateFlagsError(
      "An ai-infra is read from one folder or archive: give --source once.",
    );
  if (from === "ai-infra" && !given.includes("dry-run"))
    throw new MigrateFlagsError(
      "What becomes of an ai-infra is only shown so far, and not done: give --dry-run.",
    );
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
}
