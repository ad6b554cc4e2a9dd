/** Sites of nginx: where they listen, and what they pass on to where. Pure. */
import type { Found, Place, Reading } from "../reading.ts";
import { Notes } from "./document.ts";
import { defined } from "./fields.ts";
import { type Directive, parseNginx } from "./nginx-text.ts";
import { readText } from "./text.ts";

/** What a site does with requests to some paths. */
export type NginxLocation = Readonly<{
  at: Place;
  /** As written: `/v1/`, `= /readyz`, `~ ^/x`. */
  match: string;
  /** URL that requests are passed on to. */
  pass?: Found<string>;
  /** What is answered at once: `200 ok`. */
  returns?: Found<string>;
  /** Names of its other settings: headers, timeouts, buffers. */
  others: readonly string[];
}>;

/** A `server` block. */
export type NginxServer = Readonly<{
  at: Place;
  listens: readonly Found<Readonly<{ address?: string; port: number; tls: boolean }>>[];
  names: readonly string[];
  certificate?: Found<string>;
  key?: Found<string>;
  returns?: Found<string>;
  locations: readonly NginxLocation[];
  /** Names of its other settings. */
  others: readonly string[];
}>;

/** A file of nginx. */
export type NginxSite = Readonly<{
  servers: readonly NginxServer[];
  /** Addresses behind a name that URLs use. */
  upstreams: ReadonlyMap<string, readonly Found<string>[]>;
}>;

/** They decide who may ask, or rewrite what is asked: dropping them would change what the site does. */
const decisive = new Set([
  "allow",
  "deny",
  "auth_basic",
  "auth_request",
  "if",
  "internal",
  "limit_conn",
  "limit_req",
  "rewrite",
  "satisfy",
  "valid_referers",
]);

/** Reads a site. Settings of headers, timeouts and buffers are listed by name; everything that decides over requests and is not understood is noted. */
export function readNginxSite(bytes: Buffer, at: Place): Reading<NginxSite> {
  const { found: text, notUnderstood } = readText(bytes, at);
  const notes = new Notes(at, notUnderstood);
  const { directives, problems } = parseNginx(text);
  for (const { line, why } of problems) notes.add(line, `line ${line}`, why);
  const top = directives.flatMap(({ name, block, ...rest }) =>
    name === "http" && block !== undefined ? block : [{ name, ...rest, ...(block && { block }) }],
  );
  const servers = top.filter((each) => each.name === "server" && each.block !== undefined);
  const upstreams = top.filter(({ name }) => name === "upstream");
  for (const each of top)
    if (!servers.includes(each) && !upstreams.includes(each)) noteIfDecisive(each, notes);
  return {
    found: {
      servers: servers.map((server) => readServer(server, notes)),
      upstreams: new Map(upstreams.map((each) => [each.args[0] ?? "", addressesOf(each, notes)])),
    },
    notUnderstood: notes.list,
  };
}

function noteIfDecisive({ name, line, block }: Directive, notes: Notes): void {
  if (block !== undefined || decisive.has(name))
    notes.add(line, name, "decides over requests in a way that is not carried over.");
}

function addressesOf({ block = [] }: Directive, notes: Notes): readonly Found<string>[] {
  return block
    .filter(({ name }) => name === "server")
    .map(({ line, args }) => ({ value: args[0] ?? "", at: notes.place(line) }));
}

const ofServers = new Set(["listen", "server_name", "location", "return"]);
const ofTls = new Set(["ssl_certificate", "ssl_certificate_key"]);
const ofLocations = new Set(["proxy_pass", "return", "location"]);

function readServer({ line, block = [] }: Directive, notes: Notes): NginxServer {
  const named = (name: string) => block.filter((each) => each.name === name);
  const others = block.filter(({ name }) => !ofServers.has(name) && !ofTls.has(name));
  for (const each of others) noteIfDecisive(each, notes);
  return defined({
    at: notes.place(line),
    listens: named("listen").flatMap((each) => listenOf(each, notes)),
    names: named("server_name").flatMap(({ args }) => args),
    certificate: said(named("ssl_certificate"), notes),
    key: said(named("ssl_certificate_key"), notes),
    returns: said(named("return"), notes),
    locations: named("location").flatMap((each) => locationsOf(each, notes)),
    others: others.map(({ name }) => name),
  });
}

/** A location with those inside of it. */
function locationsOf({ line, args, block = [] }: Directive, notes: Notes): NginxLocation[] {
  const named = (name: string) => block.filter((each) => each.name === name);
  const others = block.filter(({ name }) => !ofLocations.has(name));
  for (const each of others) noteIfDecisive(each, notes);
  const location = defined({
    at: notes.place(line),
    match: args.join(" "),
    pass: said(named("proxy_pass"), notes),
    returns: said(named("return"), notes),
    others: others.map(({ name }) => name),
  });
  return [location, ...named("location").flatMap((each) => locationsOf(each, notes))];
}

/** The words of the directive; a second one of it is noted. */
function said(directives: readonly Directive[], notes: Notes): Found<string> | undefined {
  const [first, ...more] = directives;
  for (const { line, name } of more) notes.add(line, name, "is said a second time in its block.");
  return first && { value: first.args.join(" "), at: notes.place(first.line) };
}

/** `7860`, `127.0.0.1:80`, `[::]:443 ssl`, `ada2`. */
function listenOf({ line, args }: Directive, notes: Notes): NginxServer["listens"] {
  const [, address, port] =
    /^(?:(\[[\da-fA-F:.]+\]|[^:[\]/]+):)?(\d{1,5})$/.exec(args[0] ?? "") ?? [];
  const alone = /^(?:\[[\da-fA-F:.]+\]|[A-Za-z*][^:[\]/]*|[\d.]+)$/.exec(args[0] ?? "")?.[0];
  const where = address ?? (port === undefined ? alone : undefined);
  const at = notes.place(line);
  const tls = args.includes("ssl");
  if (port !== undefined || alone !== undefined)
    return [{ value: defined({ address: where, port: Number(port ?? 80), tls }), at }];
  notes.add(line, "listen", "is no port of this machine.");
  return [];
}
