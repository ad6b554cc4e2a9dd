/** Joins the files of a stack into one and lays its services over their templates. Pure. */
import { resolve } from "node:path";
import type { Catalog } from "../catalog/catalog.ts";
import { type Choice, chooseVariant, type GpuWish } from "../catalog/choose-variant.ts";
import type { Machine } from "../catalog/machine.ts";
import {
  keysOf,
  overlaid,
  type ServiceKeys,
  type Template,
  type Variant,
} from "../catalog/template.ts";
import { mergeService } from "./merge.ts";
import { modelProblem, withModels } from "./models-as.ts";
import { nearest } from "./nearest.ts";
import { formatPath, type Problem } from "./problem.ts";
import { type ServiceSpec, serviceSchema } from "./schema/service.ts";
import type { MountSpec } from "./schema/storage.ts";
import { placeOf, problemIn } from "./source.ts";
import type { StackFile } from "./stack-file.ts";

/** A service with the file that defines it: as written there, as its template has it, and both together. */
export type Member = Readonly<{
  name: string;
  file: StackFile;
  own: ServiceSpec;
  template?: Readonly<{ id: string; spec: ServiceSpec; choice: Choice }>;
  /** Everything together, paths absolute, no defaults. */
  spec: ServiceSpec;
  /** The same in the variant for no GPU, where the chosen one is made for GPUs and the service may get none. */
  withoutGpu?: Member;
}>;

/** What is needed to complete a service. */
export type Completion = Readonly<{
  /** The templates that the stack names. */
  catalog: Catalog;
  /** The ids of all there are, where it names one that is not among them. */
  ids: readonly string[];
  machine: Machine;
  home: string;
}>;

/** Every service of every file, in file order; the same name in two files is a problem. */
export function joinMembers(
  files: readonly StackFile[],
  completion: Completion,
): Readonly<{ members: readonly Member[]; problems: readonly Problem[] }> {
  const members = new Map<string, Member>();
  const problems: Problem[] = [];
  for (const file of files) {
    for (const [name, own] of file.services) {
      const first = members.get(name);
      const completed = completeMember({ name, file, own }, completion);
      if (first) problems.push(conflict(name, file, first.file));
      else if ("problem" in completed) problems.push(completed.problem);
      else members.set(name, completed);
    }
  }
  return { members: [...members.values()], problems };
}

function conflict(name: string, file: StackFile, first: StackFile): Problem {
  const { file: where, line } = placeOf(first.source, ["services", name]);
  const message = `is defined in ${where}:${line} as well: give one of them another name`;
  return problemIn(file.source, ["services", name], message, { atKey: true });
}

function completeMember(
  member: Pick<Member, "name" | "file" | "own">,
  { catalog, ids, machine, home }: Completion,
): Member | Readonly<{ problem: Problem }> {
  const { name, file } = member;
  const own = withAbsolutePaths(member.own, file.source.directory, home);
  if (own.template === undefined) return { ...member, own, spec: own };
  // A stack file names a template by its id alone: a capability could mean another one tomorrow.
  const template = catalog.find(({ id }) => id === own.template);
  if (!template) {
    const suggestion = nearest(own.template, ids);
    const message = `there is no template \`${own.template}\`: see \`nexus catalog\`.`;
    return {
      problem: problemIn(file.source, ["services", name, "template"], message, { suggestion }),
    };
  }
  const problem = modelProblem(template, own);
  if (problem !== undefined)
    return { problem: problemIn(file.source, ["services", name], problem, { atKey: true }) };
  const choice = chooseVariant(template, machine, gpuWish(own));
  const complete = (chosen: Choice): Member => {
    const spec = templateSpec(template, shapeOf(template, chosen), { service: name, home, own });
    const told = { id: template.id, spec, choice: chosen };
    return { ...member, own, template: told, spec: mergeService(spec, own) };
  };
  const completed = complete(choice);
  const mayGetNone =
    choice.kind === "chosen" && choice.gpus.length > 0 && completed.spec.gpus === "auto";
  if (!mayGetNone) return completed;
  return { ...completed, withoutGpu: complete(chooseVariant(template, machine, "none")) };
}

/** One that nothing fits can still be stopped, asked about and removed: its last variant gives it a shape. */
function shapeOf({ variants }: Template, choice: Choice): Variant | undefined {
  return choice.kind === "chosen" ? choice.variant : variants.at(-1);
}

/** The GPUs that a service may have as far as its stack file says. */
export function gpuWish({ gpus }: Pick<ServiceSpec, "gpus">): GpuWish {
  if (gpus === "none") return "none";
  // CDI's long names end in the plain one.
  return Array.isArray(gpus) ? gpus.map((id) => id.slice(id.indexOf("=") + 1)) : "any";
}

/** A template's service in a variant, told of its models; its volumes get the service's name in front, so that two services never share one unasked. */
export function templateSpec(
  template: Template,
  variant: Variant | undefined,
  { service, home, own = {} }: Readonly<{ service: string; home: string; own?: ServiceSpec }>,
): ServiceSpec {
  const keys = named(keysOf(template, variant), template, service);
  const spec = withModels(serviceSchema.parse(keys), template, own);
  const absolute = withAbsolutePaths(spec, template.directory, home);
  const volumes = absolute.volumes?.map((mount) =>
    mount.type === "volume" ? { ...mount, source: `${service}-${mount.source ?? ""}` } : mount,
  );
  return { ...absolute, ...(volumes ? { volumes } : {}) };
}

/** Programs that are told what they are called are told the service's name. */
function named(keys: ServiceKeys, { options }: Template, service: string): ServiceKeys {
  const isAsked = options.some(({ name }) => name === "SERVICE_NAME");
  return isAsked ? overlaid({ environment: { SERVICE_NAME: service } }, keys) : keys;
}

function withAbsolutePaths(spec: ServiceSpec, directory: string, home: string): ServiceSpec {
  const { build, env_file: envFile, volumes, ...rest } = spec;
  const absolute = (path: string): string =>
    resolve(
      directory,
      path.replace(/^~(?=$|[/\\])/, () => home),
    );
  const mount = (entry: MountSpec): MountSpec =>
    entry.type === "bind" ? { ...entry, source: absolute(entry.source ?? ".") } : entry;
  return {
    ...rest,
    ...(build ? { build: { ...build, context: absolute(build.context) } } : {}),
    ...(envFile
      ? { env_file: envFile.map((file) => ({ ...file, path: absolute(file.path) })) }
      : {}),
    ...(volumes ? { volumes: volumes.map(mount) } : {}),
  };
}

/** A problem with one key of a service. */
export function memberProblem(
  member: Member,
  path: readonly (string | number)[],
  message: string,
): Problem {
  const at = ["services", member.name, ...path];
  return { ...problemIn(member.file.source, at, message), path: formatPath(at) };
}
