/** Where the ancestor's gateway kept its databases and files. Pure. */
import { resolve } from "node:path";
import type { Definition } from "../compose/layers.ts";
import type { ComposeProject } from "../compose/read.ts";
import { mountsOf } from "./settings.ts";

/** A folder of this machine or a volume, mounted in the container of a service. */
export type OldData = Readonly<{
  /** Name of the gateway's service. */
  service: string;
  /** Absolute in the container. */
  target: string;
}> &
  (
    | Readonly<{ /** Absolute. */ folder: string; volume?: undefined }>
    | Readonly<{ /** Its key in the project. */ volume: string; folder?: undefined }>
  );

type Project = Pick<ComposeProject, "directory" | "variables">;

/** Where the data is; undefined for a gateway that kept none outside of its container. */
export function dataOf(project: Project, gateway: Definition | undefined): OldData | undefined {
  // Of the gateways that came later, and of the first one.
  return mountedAt(["/var/lib/gateway/data", "/data"], project, gateway);
}

/** Where its settings are that people wrote: aliases, tools, agents; undefined where none were mounted. */
export function configOf(project: Project, gateway: Definition | undefined): OldData | undefined {
  return mountedAt(["/var/lib/gateway/config"], project, gateway);
}

function mountedAt(
  targets: readonly string[],
  { directory, variables }: Project,
  gateway: Definition | undefined,
): OldData | undefined {
  if (!gateway) return undefined;
  const mounts = mountsOf(gateway, variables);
  const found = targets.flatMap((wanted) => mounts.filter(([, target]) => target === wanted))[0];
  if (!found) return undefined;
  const [source, target] = found;
  const place = { service: gateway.name, target };
  return /^[./~]/.test(source)
    ? { ...place, folder: resolve(directory, source) }
    : { ...place, volume: source };
}
