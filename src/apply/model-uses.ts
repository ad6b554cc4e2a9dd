/** Who needs a model of a stack, and with whom a service shares its models. Pure, but for the error. */
import { exitCodes, NexusError } from "../errors.ts";
import { isSameModel } from "../readiness/models.ts";
import type { Service, Stack } from "../stack/stack.ts";

/** Whoever would miss a model: services that declare it, and aliases of the gateway that lead to it. */
export type ModelUses = Readonly<{ services: readonly string[]; aliases: readonly string[] }>;

/** A model is not removed while the stack asks for it. */
export class ModelInUseError extends NexusError {
  readonly code = "NEXUS_MODEL_IN_USE";
  readonly exitCode = exitCodes.conflict;
  readonly remedy: string;
  override readonly details: Readonly<Record<string, unknown>>;

  constructor(service: string, model: string, uses: ModelUses) {
    super(`${model} of ${service} is needed: ${tellUses(uses)}.`);
    this.remedy = `Take it out of the stack file first, then run \`nexus up\` and this again; or add \`--force\`.`;
    this.details = { service, model, ...uses };
  }
}

/** Whoever needs a model that the service has: those with whom it shares its models count, too. */
export function usesOf(stack: Stack, service: Service, model: string): ModelUses {
  const isSame = (one: string, other: string) => isSameModel(one, other, namingOf(service));
  const sharing = stack.services.filter(
    (other) => other.name === service.name || sharedVolumes(service, other).length > 0,
  );
  const names = sharing.map(({ name }) => name);
  const leadsToIt = (candidate: string) =>
    isSame(candidate, model) || names.some((name) => isSame(candidate, `${name}/${model}`));
  return {
    services: sharing
      .filter(({ models }) => models.some((other) => isSame(other, model)))
      .map(({ name }) => name),
    aliases: Object.entries(stack.gateway.aliases)
      .filter(([alias, candidates]) =>
        [candidates, ...(stack.gateway.aliasRules[alias] ?? []).map(({ to }) => to)]
          .flat()
          .some(leadsToIt),
      )
      .map(([alias]) => alias),
  };
}

/** Whether nobody needs it. */
export function isSpare({ services, aliases }: ModelUses): boolean {
  return services.length === 0 && aliases.length === 0;
}

/** Who needs it, as a part of a sentence: `ollama lists it, and the alias fast leads to it`. */
export function tellUses({ services, aliases }: ModelUses): string {
  const parts = [
    ...(services.length > 0
      ? [`${services.join(" and ")} ${services.length === 1 ? "lists" : "list"} it`]
      : []),
    ...(aliases.length > 0
      ? [
          `the ${aliases.length === 1 ? "alias" : "aliases"} ${aliases.join(", ")} ${aliases.length === 1 ? "leads" : "lead"} to it`,
        ]
      : []),
  ];
  return parts.join(", and ");
}

/** Whose rule says when two names of the service's models mean the same. */
export function namingOf({ probe }: Pick<Service, "probe">): "ollama" | "none" {
  return probe?.models === "ollama" ? "ollama" : "none";
}

/**
 * The volume in which a service keeps its models together with others: one that another service of the stack writes
 * to, or one with a name of its own, which other stacks may use. Undefined when it keeps them for itself.
 */
export function sharedVolumeOf(stack: Stack, service: Service): string | undefined {
  const others = stack.services.filter(({ name }) => name !== service.name);
  const inStack = others.flatMap((other) => sharedVolumes(service, other));
  return inStack[0] ?? namedVolumeOf(stack, service);
}

/** The volume with a name of its own, which other stacks may use, that a service writes to; undefined for none. */
export function namedVolumeOf(stack: Stack, service: Service): string | undefined {
  const named = stack.volumes
    .filter(({ name, key }) => name !== `${stack.name}_${key}`)
    .map(({ name }) => name);
  return volumesOf(service).find((volume) => named.includes(volume));
}

/** The volumes that both write to. */
function sharedVolumes(one: Service, other: Service): readonly string[] {
  const held = volumesOf(other);
  return volumesOf(one).filter((volume) => held.includes(volume));
}

function volumesOf(service: Service): readonly string[] {
  if (service.kind === "external") return [];
  return service.mounts.flatMap((mount) =>
    mount.kind === "volume" && !mount.readOnly ? [mount.source] : [],
  );
}
