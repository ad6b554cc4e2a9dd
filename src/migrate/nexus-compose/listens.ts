/** Where the ancestor's gateway was published: those who used it shall find the new one there. Pure. */
import { isIP } from "node:net";
import type { Variables } from "../../stack/interpolate.ts";
import { isRecord } from "../../stack/record.ts";
import { filled, wordOf } from "../compose/fill.ts";
import { type Definition, placeIn, type Values } from "../compose/layers.ts";
import { type Note, noteAt } from "../compose/note.ts";

/** Keys of the stack's gateway, and what is to be known of them. */
export type Listens = Readonly<{ gateway: Values; notes: readonly Note[] }>;

const loopback = "127.0.0.1";

/** Reads the ports of the gateway's service. */
export function listensOf(definition: Definition | undefined, variables: Variables): Listens {
  const ports: unknown = filled(definition?.value["ports"], variables);
  const published = (Array.isArray(ports) ? ports : []).map(publishedOf).filter(isPublished);
  const api = published.find(({ target }) => target === 8800);
  const metrics = published.find(({ target }) => target === 8801);
  const place = definition && placeIn(definition, ["ports"]);
  return {
    gateway: { ...(api && addressOf(api)), ...(metrics && observabilityOf(metrics)) },
    notes: place ? notesAt(place, api, metrics) : [],
  };
}

function notesAt(
  place: NonNullable<ReturnType<typeof placeIn>>,
  api: Published | undefined,
  metrics: Published | undefined,
): readonly Note[] {
  return [
    ...(api?.host === "0.0.0.0" ? [noteAt(place, "decide", open)] : []),
    ...(metrics && metrics.host !== loopback ? [noteAt(place, "changed", inside)] : []),
  ];
}

const open =
  "was open to the network and stays so, with keys; remove `gateway.host` to keep it to this machine";
const inside = "metrics and the stack's health are told on 127.0.0.1 only";

function addressOf({ host, port }: Published): Values {
  return { ...(port !== 8800 && { port }), ...(host !== loopback && { host }) };
}

function observabilityOf({ port }: Published): Values {
  return port === 8801 ? {} : { observability_port: port };
}

type Published = Readonly<{ host: string; port: number; target: number }>;

function isPublished({ host, port }: Published): boolean {
  return port >= 1 && port <= 65_535 && isIP(host) !== 0;
}

function publishedOf(entry: unknown): Published {
  if (isRecord(entry)) {
    const { host_ip: host = "0.0.0.0", published, target } = entry;
    return { host: wordOf(host), port: Number(published), target: Number(target) };
  }
  const [, host = "0.0.0.0", port, target] =
    /^(?:(\d+\.\d+\.\d+\.\d+):)?(?:(\d+):)?(\d+)(?:\/tcp)?$/.exec(wordOf(entry)) ?? [];
  return { host, port: Number(port), target: Number(target) };
}
