/** Whether what is carried is in the gateway's volume as it was staged: read back out of there. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { findGateway } from "../../../apply/gateway-access.ts";
import { gatewayPaths } from "../../../gateway/config.ts";
import { sizeText } from "./size-text.ts";
import type { Step } from "../../migration-plan.ts";
import { type CarriedFile, carriedFolder, listCarried } from "../carried.ts";
import { contentsOf, contentsText, differencesOf } from "../contents.ts";
import type { StepContext } from "../context.ts";
import type { Check } from "../events.ts";

/** The backup is not written twice into the volume: what somebody changed there since may be wanted. */
const anew =
  "If nobody changed it since, take the migration back with `nexus migrate --rollback` and migrate again.";

/** One check for everything that was staged by one step: every file is there, with its content. */
export async function checkCarried(context: StepContext): Promise<readonly Check[]> {
  const { plan, world } = context;
  const carry = plan.steps.find((step) => step.kind === "carry");
  if (carry === undefined) return [];
  const gateway = await findGateway(world.engine, plan.choices.stack);
  const there = new Map<string, string>();
  const folder = `${gatewayPaths.data}/${carriedFolder}`;
  for await (const taken of world.engine.containers.take(gateway.id, folder))
    if ("content" in taken) there.set(taken.path, await digestOf(taken.content));
  return Promise.all(carry.staged.map((staged) => checkStaged(staged, there, context)));
}

async function checkStaged(
  staged: string,
  there: ReadonlyMap<string, string>,
  context: StepContext,
): Promise<Check> {
  const files = await listCarried([staged], context);
  const wrong = files.filter(
    ({ path, sha256 }) => there.get(`${carriedFolder}/${path}`) !== sha256,
  );
  const id = titleOf(staged, context.plan.steps);
  const [first] = wrong;
  if (first === undefined) return { id, ...(await lookAtContents(staged, files, context)) };
  return {
    id,
    outcome: "failed",
    detail: `${wrong.length} of ${files.length} files are not there as they were, such as ${first.path}`,
    remedy: anew,
  };
}

/** The copy in the volume is the staged one; whether that is what the source had is known of databases. */
async function lookAtContents(
  staged: string,
  files: readonly CarriedFile[],
  { plan, journal, paths }: StepContext,
): Promise<Omit<Check, "id">> {
  const step = plan.steps.find((each) => "to" in each && each.to === staged);
  const had = step && journal.done(step.id)?.contents;
  const has = had && (await contentsOf(join(paths.directory, staged)));
  if (had === undefined || has === undefined) {
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    return {
      outcome: "passed",
      detail: `${files.length === 1 ? "1 file" : `${files.length} files`}, ${sizeText(bytes)}, equal byte for byte`,
    };
  }
  const differs = differencesOf(had, has);
  return differs.length === 0
    ? { outcome: "passed", detail: `${contentsText(has)}: equal by count and checksum` }
    : { outcome: "failed", detail: `Not as it was backed up: ${differs.join(", ")}`, remedy: anew };
}

/** What is checked, in the words of the old installation. */
function titleOf(staged: string, steps: readonly Step[]): string {
  for (const step of steps) {
    if (!("to" in step) || step.to !== staged) continue;
    return step.kind === "backup-database"
      ? `database ${step.database.name} of ${step.database.host}`
      : `${step.files.what} of ${step.files.host}: ${step.files.path}`;
  }
  return staged;
}

async function digestOf(content: AsyncIterable<Buffer | string>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of content) hash.update(chunk);
  return `sha256:${hash.digest("hex")}`;
}
