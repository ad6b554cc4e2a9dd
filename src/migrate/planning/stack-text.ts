/** The stack file of a migration, as a person would write it. Pure. */
import { Document, isMap, isScalar, isSeq, type Node } from "yaml";
import { isRecord } from "../../stack/record.ts";
import type { PlannedAlias } from "./planned-alias.ts";
import type { Placed } from "./placed.ts";
import type { GatewayPart } from "./plan-gateway.ts";
import type { ModelsPart } from "./plan-models.ts";
import type { Scene } from "./scene.ts";

/** What the file is made from. */
export type StackParts = Readonly<{
  placed: readonly Placed[];
  gateway: GatewayPart;
  aliases: readonly PlannedAlias[];
  models: ModelsPart["keys"];
}>;

/** Its text. */
export function stackText(parts: StackParts, scene: Scene): string {
  const { placed, gateway, aliases, models } = parts;
  const services = placed.flatMap(({ planned, keys }) =>
    planned.name === undefined
      ? []
      : [[planned.name, joined(keys, models.get(planned.name) ?? {})] as const],
  );
  const document = new Document(
    literal({
      name: scene.choices.stack,
      gateway: {
        ...gateway.keys,
        ...(aliases.length > 0 && { aliases: Object.fromEntries(aliases.map(aliasEntry)) }),
      },
      ...(services.length > 0 && { services: Object.fromEntries(services) }),
    }),
    { aliasDuplicateObjects: false },
  );
  document.commentBefore = headOf(scene);
  commentGateway(document, parts);
  commentServices(document, placed);
  shorten(document);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function headOf({ inventory: { kind, hosts } }: Scene): string {
  const names = hosts.map(({ name }) => printable(name)).join(", ");
  return ` Made by \`nexus migrate --from ${kind}\`${names === "" ? "" : ` out of ${names}`}. It is yours to edit; \`nexus plan\` shows what a change does.`;
}

function aliasEntry({ name, service, model, more }: PlannedAlias): readonly [string, unknown] {
  const to = `${service}/${model}`;
  return [name, Object.keys(more).length === 0 ? to : { to, ...more }];
}

/** The keys of a service with those of its models; maps and lists of both are joined. */
function joined(
  keys: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const { template, external, ...rest } = keys;
  const first = {
    ...(template !== undefined && { template }),
    ...(external !== undefined && { external }),
  };
  const { models, ...others } = more;
  const all: Record<string, unknown> = {
    ...first,
    ...(models !== undefined && { models }),
    ...rest,
  };
  for (const [key, value] of Object.entries(others)) {
    const below = all[key];
    all[key] = isRecord(below) && isRecord(value) ? { ...below, ...value } : value;
  }
  return all;
}

function commentGateway(document: Document, { gateway, aliases }: StackParts): void {
  for (const { port, heldBy, instead, for: what } of gateway.conflicts) {
    if (instead === undefined) continue;
    const key = what === "the gateway" ? "port" : "observability_port";
    const note = ` ${String(port)} as before is held by ${printable(heldBy)}`;
    setAfter(document, ["gateway", key], note);
  }
  if (gateway.keys.host === "0.0.0.0" || gateway.keys.host === "::")
    setAfter(document, ["gateway", "host"], " every address, as before; without it 127.0.0.1 only");
  const first = aliases.find(({ at }) => at === undefined);
  if (first)
    setBefore(
      document,
      ["gateway", "aliases"],
      first.name,
      " What the old gateway took besides its aliases:",
    );
}

function commentServices(document: Document, placed: readonly Placed[]): void {
  for (const { planned, comment } of placed)
    if (comment !== undefined && planned.name !== undefined)
      setBefore(document, ["services"], planned.name, ` ${printable(comment)}`);
  const leftOut = placed.filter(({ planned }) => planned.becomes === "left-out");
  if (leftOut.length === 0) return;
  document.comment = [
    " Left out:",
    ...leftOut.map(
      ({ planned }) =>
        ` - ${printable(planned.from)} of ${printable(planned.host)}: ${printable(planned.because)}`,
    ),
  ].join("\n");
}

function setAfter(document: Document, path: readonly string[], comment: string): void {
  const node: unknown = document.getIn(path, true);
  if (isScalar(node)) node.comment = comment;
}

function setBefore(
  document: Document,
  path: readonly string[],
  key: string,
  comment: string,
): void {
  const map: unknown = document.getIn(path, true);
  if (!isMap(map)) return;
  const pair = map.items.find((item) => isScalar(item.key) && item.key.value === key);
  if (pair && isScalar(pair.key)) pair.key.commentBefore = comment;
}

const flowing = new Set(["provides", "probe", "tls"]);

/** Short lists and maps in one line; so are aliases with caps. */
function shorten(document: Document): void {
  const services: unknown = document.get("services");
  for (const service of isMap(services) ? services.items : [])
    for (const { key, value } of isMap(service.value) ? service.value.items : [])
      if (isScalar(key) && flowing.has(String(key.value))) flow(value);
  const aliases: unknown = document.getIn(["gateway", "aliases"], true);
  for (const { value } of isMap(aliases) ? aliases.items : []) shortenAlias(value);
}

/** Conditions are read one below the other. */
function shortenAlias(node: unknown): void {
  const when: unknown = isMap(node) ? node.get("when") : undefined;
  if (isSeq(when)) for (const condition of when.items) flow(condition);
  else flow(node);
}

function flow(node: unknown): void {
  if (isMap(node) || isSeq(node)) (node as Node & { flow?: boolean }).flow = true;
}

/** A text on one line of a comment. */
function printable(text: string): string {
  return text.replaceAll(/\p{C}+/gu, " ");
}

/** Values as they stand: nothing in them is a variable. */
function literal(value: unknown): unknown {
  if (typeof value === "string") return value.replaceAll("$", "$$$$");
  if (Array.isArray(value)) return value.map(literal);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, literal(inner)]));
}
