/** What `nexus add service` writes: a template by its id, or a copy of a template's sources. */
import { join } from "node:path";
import { type Catalog, findTemplate } from "../catalog/catalog.ts";
import { NoScaffoldError } from "../catalog/errors.ts";
import { scaffoldedService, scaffoldService } from "../catalog/scaffold.ts";
import { readAssignments } from "./assignments.ts";
import type { ServiceText } from "./edit.ts";

/** What was asked for. */
export type ServiceWish = Readonly<{
  word: string;
  name?: string | undefined;
  scaffold: boolean;
  template: string;
  /** `key=value` words. */
  keys: readonly string[];
  /** The stack file's folder. */
  directory: string;
}>;

/** A service to add. */
export type AddedService = Readonly<{
  name: string;
  spec: ServiceText;
  /** Writes the sources it is built from, once that is agreed on; resolves with their paths. */
  copySources?: () => Promise<readonly string[]>;
}>;

/** Finds the template; writes nothing. Throws UnknownTemplateError, NoScaffoldError, InvalidAssignmentError. */
export function serviceToAdd(catalog: Catalog, wish: ServiceWish): AddedService {
  const keys = readAssignments(wish.keys);
  if (wish.scaffold) return scaffolded(catalog, wish, keys);
  const template = findTemplate(catalog, wish.word);
  return { name: wish.name ?? template.id, spec: { template: template.id, ...keys } };
}

function scaffolded(catalog: Catalog, wish: ServiceWish, keys: ServiceText): AddedService {
  const name = wish.name ?? wish.word;
  const found = findTemplate(catalog, wish.template);
  if (found.service["build"] === undefined) throw new NoScaffoldError(found.id);
  const spec = { ...scaffoldedService(found, name), ...keys };
  const copySources = async (): Promise<readonly string[]> => {
    const { template, directory } = wish;
    const scaffold = await scaffoldService(catalog, { template, name, directory });
    return scaffold.files.map((file) => join(scaffold.directory, file));
  };
  return { name, spec, copySources };
}
