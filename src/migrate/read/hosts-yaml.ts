/** The hosts that ai-infra's `hosts.yaml` speaks of: a hint only, because it was not kept up to date. Pure. */
import type { FoundHost } from "../inventory.ts";
import type { Place, Reading } from "../reading.ts";
import { convertDocument, type Notes, type Part } from "./document.ts";
import { defined, Fields } from "./fields.ts";
import { readYaml } from "./yaml.ts";

/** A host as the file describes it. */
export type HintedHost = Pick<FoundHost, "name" | "names" | "os" | "roles"> &
  Readonly<{ at: Place; description?: string }>;

/** A service as the file describes it. */
export type HintedService = Readonly<{
  name: string;
  at: Place;
  port?: number;
  healthPath?: string;
  requiresAuth?: boolean;
}>;

/** What the file says. */
export type HostsHint = Readonly<{
  hosts: readonly HintedHost[];
  services: readonly HintedService[];
}>;

const unknownKey = "is nothing that ai-infra's scripts read.";

/** Reads `hosts.yaml`. */
export function readHosts(bytes: Buffer, at: Place): Reading<HostsHint> {
  return convertDocument(readYaml(bytes, at), at, (root, notes) => {
    const fields = new Fields(root, "file", notes);
    const hosts = eachMap(fields.map("hosts"), "hosts", notes, readHost);
    const services = eachMap(fields.map("services"), "services", notes, readService);
    fields.noteRest(unknownKey);
    return { hosts, services };
  });
}

function eachMap<Value>(
  entries: ReadonlyMap<string, Part> | undefined,
  what: string,
  notes: Notes,
  convert: (name: string, at: Place, fields: Fields) => Value,
): Value[] {
  return [...(entries ?? [])].flatMap(([name, part]) => {
    const empty = part.kind === "scalar" && part.value === null;
    if (part.kind !== "map" && !empty) notes.add(part.line, `${what}.${name}`, "is no map.");
    if (part.kind !== "map" && !empty) return [];
    const inner = part.kind === "map" ? part.entries : new Map<string, Part>();
    const fields = new Fields(inner, `${what}.${name}`, notes);
    const value = convert(name, notes.place(part.line), fields);
    fields.noteRest(unknownKey);
    return [value];
  });
}

function readHost(name: string, at: Place, fields: Fields): HintedHost {
  return defined({
    name,
    at,
    names: [...new Set([name, fields.text("hostname") ?? name])],
    os: systemOf(fields.text("os") ?? ""),
    roles: fields.texts("roles") ?? [],
    description: fields.text("description"),
  });
}

function systemOf(name: string): FoundHost["os"] {
  if (/^(?:macos|darwin|os ?x)/i.test(name)) return "macos";
  return /^(?:linux|ubuntu|debian|fedora|rhel|centos|rocky|arch)/i.test(name) ? "linux" : "unknown";
}

function readService(name: string, at: Place, fields: Fields): HintedService {
  return defined({
    name,
    at,
    port: fields.number("port"),
    healthPath: fields.text("healthz"),
    requiresAuth: fields.flag("requires_auth"),
  });
}
