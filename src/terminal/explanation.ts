/** Why every service from a template runs as it does. Pure. */
import type { GpuExplanation } from "../plan/explain-gpus.ts";
import type { ServiceChoice } from "../stack/load.ts";
import { type ChoiceDocument, choiceDocument, choiceLines } from "./choice.ts";

/** How the variants were chosen and the GPUs given out; these are empty where the plan was refused. */
export type Explained = Readonly<{
  choices: readonly ServiceChoice[];
  gpus: readonly GpuExplanation[];
}>;

/** By service: template and variant, what was thought of each row, and what became of GPUs. */
export function formatExplanation({ choices, gpus }: Explained): string {
  const blocks = choices.map(({ service, template, choice }) => {
    const placed = gpus.find((each) => each.service === service);
    const variant = choice.kind === "chosen" ? choice.variant?.name : "no variant";
    const heading = `${service}: ${template}${variant === undefined ? "" : ` as ${variant}`}`;
    return [heading, ...choiceLines(choice), ...(placed ? [`  ${placed.because}`] : [])];
  });
  const named = new Set(choices.map(({ service }) => service));
  const others = gpus
    .filter(({ service }) => !named.has(service))
    .map(({ service, because }) => [`${service}: ${because}`]);
  return [...blocks, ...others].map((lines) => lines.join("\n")).join("\n\n");
}

/** One service's explanation for programs; `gpu` is null where it may have none. */
export type ServiceExplanation = Readonly<{
  service: string;
  /** Null for a service that is not from a template. */
  template: string | null;
  choice: ChoiceDocument | null;
  gpu: Omit<GpuExplanation, "service"> | null;
}>;

/** The same as `--json` prints it. */
export function explanationDocument({ choices, gpus }: Explained): readonly ServiceExplanation[] {
  const services = new Set([...choices, ...gpus].map(({ service }) => service));
  return [...services].map((service) => {
    const found = choices.find((each) => each.service === service);
    const placed = gpus.find((each) => each.service === service);
    return {
      service,
      template: found?.template ?? null,
      choice: found ? choiceDocument(found.choice) : null,
      gpu: placed ? { gpus: placed.gpus, because: placed.because } : null,
    };
  });
}
