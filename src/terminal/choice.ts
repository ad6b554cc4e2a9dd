/** Explains which template and variant was chosen, and why not another. Pure. */
import { type Candidate, refusalText } from "../catalog/choose-template.ts";
import type { Choice } from "../catalog/choose-variant.ts";
import type { Job } from "../catalog/jobs.ts";

/** What was picked out of whom, and the word or job that it was wanted for. */
export type Picked = Readonly<{
  chosen: Candidate;
  candidates: readonly Candidate[];
  job?: Job | undefined;
}>;

/** A few lines: the template and what speaks for it, its variant row by row, and the others. */
export function formatPicked({ chosen, candidates, job }: Picked): string {
  const { template, because, choice } = chosen;
  const purpose = job === undefined ? "" : ` for ${job}`;
  const heading = `${template.id}${purpose}: ${because ?? template.description}`;
  const others = candidates.filter((each) => each !== chosen);
  return [
    heading,
    ...choiceLines(choice),
    ...(others.length > 0 ? [`Others${purpose}, by --as:`, ...otherLines(others)] : []),
  ].join("\n");
}

/** What was thought of every variant, one a line; none where there is nothing to choose. */
export function choiceLines({ considered }: Choice): readonly string[] {
  const width = Math.max(0, ...considered.map(({ variant }) => variant.length));
  return considered.map(
    ({ variant, fits, because }) => `  ${fits ? "✔" : "–"} ${variant.padEnd(width)}  ${because}`,
  );
}

function otherLines(others: readonly Candidate[]): readonly string[] {
  const width = Math.max(...others.map(({ template }) => template.id.length));
  return others.map(({ template, because = template.description, objection }) => {
    const mark = objection === undefined ? " " : "–";
    const text = objection ?? because;
    return `  ${mark} ${template.id.padEnd(width)}  ${text}`;
  });
}

/** A choice of a variant for programs. */
export type ChoiceDocument = Readonly<{
  variant: string | null;
  fits: boolean;
  because: string | null;
  gpus: readonly string[];
  considered: Choice["considered"];
}>;

/** The choice as `--json` prints it; `because` is that of the variant taken, or every reason of a refusal. */
export function choiceDocument(choice: Choice): ChoiceDocument {
  const { considered } = choice;
  if (choice.kind === "refused")
    return { variant: null, fits: false, because: refusalText(choice), gpus: [], considered };
  return {
    variant: choice.variant?.name ?? null,
    fits: true,
    because: considered.at(-1)?.because ?? null,
    gpus: choice.gpus,
    considered,
  };
}

/** A template that was, or could have been, taken, for programs. */
export type CandidateDocument = Readonly<{
  template: string;
  because: string | null;
  objection: string | null;
}> &
  ChoiceDocument;

/** The candidate as `--json` prints it: `because` says what speaks for the template, `objection` what against it. */
export function candidateDocument(candidate: Candidate): CandidateDocument {
  const { template, because, choice, objection } = candidate;
  return {
    ...choiceDocument(choice),
    template: template.id,
    because: because ?? null,
    objection: objection ?? null,
  };
}
