/** Takes one of several templates. Pure. */
import type { Catalog } from "./catalog.ts";
import { type Candidate, candidateOf } from "./choose-template.ts";
import { NothingFitsError, NotForJobError, TemplateMissingError } from "./errors.ts";
import type { Machine } from "./machine.ts";
import type { Template } from "./template.ts";

/** Who is to be picked from, and by what. */
export type Pick = Readonly<{
  word: string;
  candidates: readonly Candidate[];
  /** The template that the person chose. */
  as?: string | undefined;
  /** False where no engine could be asked: then hardware is no reason to refuse what somebody names. */
  isMachineKnown: boolean;
  /** Ids of templates for the same jobs that fit, for advice. */
  instead: readonly string[];
}>;

/** The one that was named, else the first that fits. Throws NotForJobError, TemplateMissingError, NothingFitsError. */
export function pickCandidate({ word, candidates, as, isMachineKnown, instead }: Pick): Candidate {
  const ids = candidates.map(({ template }) => template.id);
  const eligible =
    as === undefined ? candidates : candidates.filter(({ template }) => template.id === as);
  const [only, ...others] = eligible;
  if (only === undefined) throw new NotForJobError(as ?? "", word, ids);
  const found = eligible.find(({ objection }) => objection === undefined);
  if (found) return found;
  if (others.length === 0) {
    const { id, missing } = only.template;
    if (missing !== undefined) throw new TemplateMissingError(id, missing);
    if (!isMachineKnown) return only;
  }
  throw new NothingFitsError(as ?? word, eligible.map(refused), instead);
}

function refused({ template, objection = "" }: Candidate): Readonly<{
  template: string;
  because: string;
}> {
  return { template: template.id, because: objection };
}

/** Ids of the templates beside these that share a job with them and fit the machine. */
export function fittingPeers(
  catalog: Catalog,
  templates: readonly Template[],
  machine: Machine,
): readonly string[] {
  const jobs = templates.flatMap((template) => Object.keys(template.jobs));
  return catalog
    .filter((other) => !templates.includes(other))
    .filter((other) => Object.keys(other.jobs).some((job) => jobs.includes(job)))
    .filter((other) => candidateOf(other, machine).objection === undefined)
    .map(({ id }) => id);
}
