/** Tells software that loads its models at its start which ones a stack declares. Pure. */
import type { Template } from "../catalog/template.ts";
import type { ServiceSpec } from "./schema/service.ts";

/** Why the service cannot have the models that it declares; undefined when it can. */
export function modelProblem(template: Template, own: ServiceSpec): string | undefined {
  const count = modelsOf(template, own).length;
  const { least = 0, most = Infinity } = template.models_as ?? {};
  if (count < least)
    return `needs ${least === 1 ? "a model" : `${least} models`}: name ${least === 1 ? "it" : "them"} under \`models\``;
  return count > most
    ? `takes ${most === 1 ? "one model" : `${most} models`} and has ${count}: add a second service for the others`
    : undefined;
}

/** The template's spec with the models filled in where its software reads them. */
export function withModels(spec: ServiceSpec, template: Template, own: ServiceSpec): ServiceSpec {
  const { models_as: as } = template;
  const models = modelsOf(template, own);
  if (as === undefined || models.length === 0) return spec;
  const fill = (text: string): string =>
    text
      .replaceAll("{models_json}", JSON.stringify(models))
      .replaceAll("{models}", models.join(","))
      .replaceAll("{model}", models[0] ?? "");
  const environment = Object.entries(as.environment).map(([name, text]) => [name, fill(text)]);
  const words = as.command.map(fill);
  return {
    ...spec,
    environment: { ...spec.environment, ...Object.fromEntries(environment) },
    ...(words.length > 0 ? { command: [...(spec.command ?? []), ...words] } : {}),
  };
}

function modelsOf(template: Template, own: ServiceSpec): readonly string[] {
  if (own.models !== undefined) return own.models;
  const { models } = template.service;
  return Array.isArray(models) ? models.map(String) : [];
}
