/** How the old host starts a program: a unit of systemd or a job of launchd, in one form. */
import type { FoundUnit } from "../inventory.ts";
import type { Place } from "../reading.ts";
import type { Settings } from "./settings.ts";

/** What starts a program. */
export type Job = Readonly<{
  unit: FoundUnit;
  at: Place;
  argv: readonly string[];
  environment: Settings;
  /** Settings files that it reads; undefined where that cannot be told: then the usual ones. */
  files?: readonly string[];
}>;

/** The command line of a program that nobody knows how it is started. */
export const noCommand: Pick<Job, "argv"> = { argv: [] };
