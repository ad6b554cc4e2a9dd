/** Services as systemd and launchd keep them: whether they run, stopping and starting them. Containers are others' business. */
import { setTimeout as delay } from "node:timers/promises";
import type { FoundUnit } from "../inventory.ts";
import { LegacyServiceError } from "./errors.ts";

/** How a program of a host ended. */
export type Ran = Readonly<{ code: number; stdout: string; stderr: string }>;

/** Runs a program of a host, as root where `asRoot` and that can be; undefined when the host does not have it. */
export type RunProgram = (
  command: readonly string[],
  options: Readonly<{ asRoot: boolean }>,
) => Promise<Ran | undefined>;

/** Exit codes of `systemctl is-active`: 0 active, 3 not; 4 no such unit. */
const systemdAnswers = new Set([0, 3, 4]);

/** Whether a unit runs; undefined when nobody can be asked. */
export async function isRunning(run: RunProgram, unit: FoundUnit): Promise<boolean | undefined> {
  if (unit.manager === "systemd") {
    const told = await run(["systemctl", "is-active", unit.name], { asRoot: false });
    const state = told?.stdout.trim();
    if (told === undefined || state === "" || !systemdAnswers.has(told.code)) return undefined;
    return ["active", "activating", "reloading", "deactivating"].includes(state ?? "");
  }
  if (unit.manager === "launchd") {
    const told = await run(["launchctl", "print", `system/${unit.name}`], { asRoot: false });
    return told && (told.code === 0 ? /^\s*state = running$/m.test(told.stdout) : false);
  }
  return undefined;
}

/** Stops or starts a unit and waits until it is so. Throws LegacyServiceError. */
export async function switchUnit(
  host: string,
  {
    run,
    unit,
    to,
  }: Readonly<{ run: RunProgram | undefined; unit: FoundUnit; to: "stopped" | "started" }>,
): Promise<void> {
  const refuse = (why: string) => new LegacyServiceError({ host, unit: unit.name, to, why });
  const command = commandFor(unit, to);
  if (run === undefined || command === undefined)
    throw refuse("nobody can be asked to, for this is not that host");
  const wanted = to === "started";
  if ((await isRunning(run, unit)) === wanted) return;
  const told = await run(command, { asRoot: true });
  if (told === undefined) throw refuse(`there is no ${command[0]} on that host`);
  if (await becomes(run, { unit, wanted, looks: told.code === 0 ? mostLooks : 1 })) return;
  throw refuse(lastWords(told) ?? `${command.join(" ")} changed nothing`);
}

function commandFor(unit: FoundUnit, to: "stopped" | "started"): readonly string[] | undefined {
  if (unit.manager === "systemd")
    return ["systemctl", to === "stopped" ? "stop" : "start", unit.name];
  if (unit.manager !== "launchd") return undefined;
  return to === "stopped"
    ? ["launchctl", "bootout", `system/${unit.name}`]
    : ["launchctl", "bootstrap", "system", `/Library/LaunchDaemons/${unit.name}.plist`];
}

const lookEveryMs = 250;
const mostLooks = 40;

/** launchctl answers before the job has ended, and a job may take a moment to begin. */
async function becomes(
  run: RunProgram,
  { unit, wanted, looks }: Readonly<{ unit: FoundUnit; wanted: boolean; looks: number }>,
): Promise<boolean> {
  for (let look = 1; look <= looks; look += 1) {
    if ((await isRunning(run, unit)) === wanted) return true;
    if (look < looks) await delay(lookEveryMs);
  }
  return false;
}

const lastWords = ({ code, stdout, stderr }: Ran) =>
  code === 0 ? undefined : `${stderr}${stdout}`.trim().split("\n").at(-1);
