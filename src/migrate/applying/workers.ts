/** Which step is done how. */
import type { Step } from "../migration-plan.ts";
import type { StepContext, StepRun, StepWorker } from "./context.ts";
import type { Traces } from "./journal.ts";
import { addKeysStep } from "./steps/add-keys.ts";
import { addUsersStep } from "./steps/add-users.ts";
import { carryStep } from "./steps/carry.ts";
import { copyModelsStep } from "./steps/copy-models.ts";
import { ignoreSecretsStep } from "./steps/ignore-secrets.ts";
import { placeFileStep } from "./steps/place-file.ts";
import { backupDatabaseStep, fetchFilesStep } from "./steps/staging.ts";
import { upStep } from "./steps/up.ts";
import { writeFileStep } from "./steps/write-file.ts";
import { writeSecretStep } from "./steps/write-secret.ts";

/** Verifying is done anew by every run, and old services are stopped only after it: neither is a step among the others. */
export type Kind = Exclude<Step["kind"], "verify" | "stop-legacy">;

/** A step that is done once. */
export type OnceStep = Extract<Step, { kind: Kind }>;

const workers: Readonly<{ [Each in Kind]: StepWorker<Each> }> = {
  "backup-database": backupDatabaseStep,
  "fetch-files": fetchFilesStep,
  "ignore-secrets": ignoreSecretsStep,
  "write-file": writeFileStep,
  "write-secret": writeSecretStep,
  "place-file": placeFileStep,
  "copy-models": copyModelsStep,
  carry: carryStep,
  up: upStep,
  "add-keys": addKeysStep,
  "add-users": addUsersStep,
};

/** Whether a step is done once. */
export function isOnce(step: Step): step is OnceStep {
  return step.kind in workers;
}

/** Carries out a step that is not done yet: notes what it begins, makes what is missing, notes what it made. */
export async function carryOutStep(
  step: OnceStep,
  context: StepContext,
  tell: StepRun["tell"],
): Promise<void> {
  const { journal } = context;
  const worker = workers[step.kind] as StepWorker<Kind>;
  const begun = journal.begun(step.id) ?? (await begin(step, worker, context));
  const made = await worker.carryOut(step, context, {
    begun,
    parts: journal.parts(step.id),
    part: (part) => journal.note({ state: "part", step: step.id, part }),
    tell,
  });
  await journal.note({ state: "done", step: step.id, traces: made });
}

async function begin(
  step: OnceStep,
  worker: StepWorker<Kind>,
  context: StepContext,
): Promise<Traces> {
  const traces = await worker.begin(step, context);
  await context.journal.note({ state: "begun", step: step.id, traces });
  return traces;
}
