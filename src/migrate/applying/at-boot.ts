/** Old services and the start of their machines: stopping a service does not keep it from coming back then. Pure. */
import type { MigrationPlan } from "../migration-plan.ts";
import type { OnHost } from "./events.ts";

/** Commands of systemctl(1), launchctl(1) and Docker. */
const commands = {
  systemd: {
    never: (name: string) => `sudo systemctl disable ${name}`,
    again: (name: string) => `sudo systemctl enable ${name}`,
  },
  launchd: {
    never: (name: string) => `sudo launchctl disable system/${name}`,
    again: (name: string) => `sudo launchctl enable system/${name}`,
  },
  container: {
    never: (name: string) => `docker update --restart=no ${name}`,
    again: (name: string) => `docker update --restart=unless-stopped ${name}`,
  },
} as const;

/** What to type on the hosts of these old services, so that they never start with their machine, or do so again. */
export function atBoot(
  { steps }: MigrationPlan,
  names: readonly string[],
  wanted: "never" | "again",
): readonly OnHost[] {
  return steps.flatMap((step) => {
    if (step.kind !== "stop-legacy" || !names.includes(step.unit.name)) return [];
    const { manager, name } = step.unit;
    return [{ host: step.host, command: commands[manager][wanted](name) }];
  });
}
