/** One service of one host, from the job that starts it and its settings. Pure. */
import type { FoundService } from "../inventory.ts";
import { argument } from "../read/argument.ts";
import type { Found, Place } from "../reading.ts";
import {
  type Address,
  parseAddress,
  parsePort,
  targetOf,
  isEverywhere,
  isLoopback,
} from "./address.ts";
import { noCommand, type Job } from "./job.ts";
import type { KnownService } from "./known-services.ts";
import type { Part } from "./part.ts";
import { kept, setting, type Settings } from "./settings.ts";

/** What is known of a service before anything is concluded. */
export type Seen = Readonly<{
  known: KnownService;
  host: string;
  /** Names and addresses of the host, for URLs that lead back to it. */
  ownNames: readonly string[];
  at: Place;
  job?: Job;
  settings: Settings;
  /** Where nginx has it listen for others. */
  front?: Found<Address>;
  /** Models that its store holds. */
  stored: readonly string[];
  running?: boolean;
}>;

/** The service. */
export function serviceOf(seen: Seen): FoundService {
  const { known, job, settings } = seen;
  const listens = seen.front?.value ?? listensOf(seen);
  return {
    name: known.name,
    host: seen.host,
    at: seen.at,
    ...(known.template !== undefined && { template: known.template }),
    provides: known.provides,
    ...(listens && { listens }),
    apiPath: known.apiPath,
    ...(job && {
      unit: { ...job.unit, ...(seen.running !== undefined && { running: seen.running }) },
    }),
    settings: Object.fromEntries([...settings].map(([name, found]) => [name, kept(name, found)])),
    models: [...new Set([...seen.stored, ...modelsOf(seen)])],
  };
}

function modelsOf({ known, job, settings }: Seen): readonly string[] {
  const option = known.modelOption && argument(job ?? noCommand, known.modelOption);
  if (option !== undefined && option !== "") return [option];
  return known.models.flatMap((name) => setting(settings, name)?.value ?? []);
}

/** Options of the command line win over settings, and settings over what is usual. */
function listensOf(seen: Seen): Address | undefined {
  const said = listensBySettings(seen);
  return said && listensByOptions(seen, said);
}

function listensBySettings({ known, settings }: Seen): Address | undefined {
  if (!known.listens) return undefined;
  const { host, port, address, byDefault } = known.listens;
  const base = parseAddress(setting(settings, host)?.value ?? "", { address, port: byDefault });
  const other = port === undefined ? undefined : parsePort(setting(settings, port)?.value ?? "");
  return { address: base.address, port: other ?? base.port };
}

function listensByOptions({ job }: Seen, said: Address): Address {
  const command = job ?? noCommand;
  const address = parseAddress(argument(command, "--host") ?? "", said);
  return { ...address, port: parsePort(argument(command, "--port") ?? "") ?? address.port };
}

/** What looks wrong with a service as it is set up there. */
export function serviceWarnings(seen: Seen): Part {
  return {
    warnings: [...selfReferences(seen), ...openListeners(seen), ...disagreements(seen)],
  };
}

function selfReferences(seen: Seen): readonly Found<string>[] {
  const { known, settings, ownNames } = seen;
  const own = listensOf(seen);
  return [...settings].flatMap(([name, { value, at }]) => {
    const target = name.endsWith("UPSTREAM_BASE_URL") ? targetOf(value) : undefined;
    if (!target || target.port !== own?.port) return [];
    const here =
      isLoopback(target.host) || isEverywhere(target.host) || ownNames.includes(target.host);
    const text = `${known.name} of ${seen.host} asks itself: ${name} leads to the port that it listens on.`;
    return here ? [{ value: text, at }] : [];
  });
}

function openListeners(seen: Seen): readonly Found<string>[] {
  const listens = seen.front?.value ?? listensOf(seen);
  if (!listens || !isEverywhere(listens.address)) return [];
  const text = `${seen.known.name} of ${seen.host} listens on port ${listens.port} of every address and asks for no key: whoever reaches the machine can use it.`;
  return [{ value: text, at: seen.front?.at ?? seen.at }];
}

function disagreements(seen: Seen): readonly Found<string>[] {
  const { known, settings, host } = seen;
  const said = listensBySettings(seen);
  const real = listensOf(seen);
  const name = known.listens?.port ?? "";
  const found = setting(settings, name);
  if (!found || !said || !real || said.port === real.port) return [];
  const text = `${name} of ${known.name} on ${host} says ${said.port}, but it is started on port ${real.port}: that counts.`;
  return [{ value: text, at: found.at }];
}
