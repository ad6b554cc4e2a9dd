/** Which services can become containers of the stack, and why others cannot. Pure. */
import { candidateOf } from "../../catalog/choose-template.ts";
import type { Template } from "../../catalog/template.ts";
import type { FoundService } from "../inventory.ts";
import { isModelName } from "./model-names.ts";
import { hostNamed, isHere, type Scene } from "./scene.ts";

/** The catalog's definition of the software that a service runs. */
export function templateOf(
  { template }: Pick<FoundService, "template">,
  { catalog }: Scene,
): Template | undefined {
  return catalog.find(({ id }) => id === template);
}

/** Why a service does not become a container, as a part of a sentence; undefined when it does. */
export function whyNotContainer(found: FoundService, scene: Scene): string | undefined {
  if (!isHere(found.host, scene)) return `it goes on where it is, on ${found.host}`;
  const template = templateOf(found, scene);
  return template
    ? whyNotTemplate(found, template, scene)
    : "no ready-made service runs this software";
}

function whyNotTemplate(found: FoundService, template: Template, scene: Scene): string | undefined {
  if (template.missing !== undefined) return "there is no image of this software";
  if (template.service["image"] === undefined && !hasOwnImage(template))
    return "it cannot run in a container";
  if (needsTheMac(found, template, scene))
    return "containers cannot use the GPU of a Mac, so it goes on outside of them";
  if (template.id === "image-adapter" && !hasUpstream(found, scene))
    return "what makes its images is no container of the stack";
  if (lacksModel(found, template)) return "it is not known which model it serves";
  const { machine } = scene.target;
  const objection = machine && candidateOf(template, machine).objection;
  return objection === undefined
    ? undefined
    : `it does not fit the engine's machine (${objection})`;
}

/** Some software cannot start before it is told of a model. */
function lacksModel({ models }: FoundService, { models_as: as, service }: Template): boolean {
  const needed = (as?.least ?? 0) > 0 && service["models"] === undefined;
  return needed && !models.some(isModelName);
}

function hasOwnImage({ variants, service }: Template): boolean {
  return variants.length > 0 || service["build"] !== undefined;
}

/** Read in place on a Mac, it computes there with what no container gets. */
function needsTheMac({ host }: FoundService, { service }: Template, scene: Scene): boolean {
  const machine = hostNamed(host, scene);
  const computes = service["gpus"] !== undefined && service["gpus"] !== "none";
  return machine?.live === true && machine.os === "macos" && computes;
}

/** An adapter makes sense beside what it adapts. */
function hasUpstream({ host }: FoundService, scene: Scene): boolean {
  return scene.inventory.services.some((other) => {
    const template = other.host === host ? templateOf(other, scene) : undefined;
    const brings = template?.companions.some((each) => each.template === "image-adapter") ?? false;
    return brings && whyNotContainer(other, scene) === undefined;
  });
}
