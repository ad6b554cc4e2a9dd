/** Which template does a job on a machine, and why not another one. Pure. */
import type { Catalog } from "./catalog.ts";
import { type Choice, chooseVariant, type GpuWish } from "./choose-variant.ts";
import type { Job } from "./jobs.ts";
import type { Machine } from "./machine.ts";
import type { Template } from "./template.ts";

/** A template that could be taken, and how it fares on the machine. */
export type Candidate = Readonly<{
  template: Template;
  /** What speaks for it; undefined where it was named itself. */
  because?: string;
  choice: Choice;
  /** Why it cannot be added; undefined when it can. */
  objection?: string;
}>;

/** Those who do a job, the first choice first; by id where the job gives them no rank. */
export function templatesFor(catalog: Catalog, job: Job): Catalog {
  const rank = (template: Template): number => template.jobs[job]?.rank ?? Infinity;
  return catalog
    .filter((template) => template.jobs[job] !== undefined)
    .toSorted((left, right) => rank(left) - rank(right));
}

/** How a template fares on a machine; `job` says what it would be taken for. */
export function candidateOf(
  template: Template,
  machine: Machine,
  { job, wish }: Readonly<{ job?: Job | undefined; wish?: GpuWish | undefined }> = {},
): Candidate {
  const choice = chooseVariant(template, machine, wish);
  const because = job && template.jobs[job]?.because;
  const objection = objectionTo(template, choice);
  return {
    template,
    choice,
    ...(because === undefined ? {} : { because }),
    ...(objection === undefined ? {} : { objection }),
  };
}

function objectionTo(template: Template, choice: Choice): string | undefined {
  if (template.missing !== undefined) return template.missing;
  return choice.kind === "refused" ? refusalText(choice) : undefined;
}

/** Every reason of a refusal in a line, each once: `cuda, rocm: it has none of the engine's GPUs`. */
export function refusalText({ considered }: Choice): string {
  const byReason = Map.groupBy(considered, ({ because }) => because);
  return [...byReason]
    .map(([because, rows]) => `${rows.map(({ variant }) => variant).join(", ")}: ${because}`)
    .join("; ");
}
