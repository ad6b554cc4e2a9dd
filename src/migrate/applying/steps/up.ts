/** The stack comes up, exactly as by `nexus up`. */
import { join } from "node:path";
import { InterruptedError } from "../../../apply/errors.ts";
import type { ApplyReport } from "../../../apply/events.ts";
import { exitCodeOf } from "../../../apply/report.ts";
import { exitCodes } from "../../../errors.ts";
import type { StepContext, StepWorker } from "../context.ts";
import { MigratedStackNotUpError } from "../errors.ts";
import type { Traces } from "../journal.ts";

/** Brings the stack up; what `up` writes beside the stack file (its first key) is noted. Throws MigratedStackNotUpError. */
export const upStep: StepWorker<"up"> = {
  begin: async (_, context) => ({ before: (await besides(context)).map(({ path }) => path) }),
  carryOut: async (_, context, { begun }) => {
    const { world, plan } = context;
    refuseUnlessUp(await world.bringUp(await world.load(plan.file)));
    const { volumes } = await world.engine.observe(plan.choices.stack, []);
    const own = volumes.filter(({ stack }) => stack === plan.choices.stack);
    return { ...(await newSince(begun, context)), volumes: own.map(({ name }) => name) };
  },
};

/** What `nexus up` writes below `.nexus`; what else is new there somebody else wrote. */
const ofUp = /^(?:hash\.key|secrets|secrets\/[^/]+\.key(?:\.new)?)$/;

/** What lies below `.nexus` now and did not before the stack came up, of what that makes. */
export async function newSince(
  { before = [] }: Traces,
  context: Pick<StepContext, "disk" | "paths">,
): Promise<Traces> {
  const fresh = (await besides(context)).filter(
    ({ path }) => !before.includes(path) && ofUp.test(path),
  );
  const absolute = (path: string) => join(context.paths.nexus, path);
  const files = fresh.filter(({ kind }) => kind === "file").map(({ path }) => absolute(path));
  return {
    folders: fresh.filter(({ kind }) => kind === "folder").map(({ path }) => absolute(path)),
    files: await Promise.all(
      files.map(async (path) => ({ path, sha256: (await context.disk.digest(path)) ?? "" })),
    ),
  };
}

async function besides({ disk, paths }: Pick<StepContext, "disk" | "paths">) {
  const all = await disk.below(paths.nexus);
  return all.filter(({ path }) => path !== "migration" && !path.startsWith("migration/"));
}

function refuseUnlessUp(report: ApplyReport): void {
  if (report.interrupted) throw new InterruptedError();
  if (exitCodeOf(report) === exitCodes.ok) return;
  const bad = report.services.filter(({ failure }) => failure !== undefined);
  throw new MigratedStackNotUpError(
    bad.map(({ service, failure }) => `${service} (${failure?.message ?? ""})`),
  );
}
