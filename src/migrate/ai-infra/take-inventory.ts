/** Everything that an ai-infra of one or several hosts has. Reads through the trees alone, and changes nothing there. */
import type { Inventory } from "../inventory.ts";
import type { Reading } from "../reading.ts";
import type { SourceTree } from "../source/tree.ts";
import { firewallWarnings } from "./firewall.ts";
import { findGateway, hasGateway, type GatewayPart } from "./gateway.ts";
import { hintWarnings, nameHosts, readHints, type NamedHost } from "./hosts.ts";
import { findImagesFront } from "./images-front.ts";
import type { Job } from "./job.ts";
import { readJobs } from "./jobs.ts";
import { partOf, together, type Part } from "./part.ts";
import { findServices } from "./services.ts";

/** Takes the inventory. A service is known by its name and its host together; `now` decides which keys have expired. */
export async function takeInventory(
  trees: readonly SourceTree[],
  now: Date = new Date(),
): Promise<Inventory> {
  const hint = await readHints(trees);
  const hosts = await nameHosts(trees, hint);
  const seen: Seen[] = [];
  for (const host of hosts) seen.push({ ...host, jobs: await readJobs(host.tree) });
  const gateway = await findTheGateway(seen, now);
  const parts: Part[] = [hint.part, gateway.part];
  for (const each of seen) parts.push(await findOnHost(each));
  const lists = together(parts);
  const roles = gateway.gateway ? [{ name: "gateway", host: gateway.gateway.host }] : [];
  const disagreements = hintWarnings(hint, hosts, [...lists.services, ...roles]);
  return {
    kind: "ai-infra",
    hosts: hosts.map(({ host }) => host),
    ...(gateway.gateway && { gateway: gateway.gateway }),
    routing: gateway.routing,
    ...lists,
    warnings: [...lists.warnings, ...disagreements],
    notUnderstood: [...lists.notUnderstood, ...trees.flatMap((tree) => tree.unread())],
  };
}

type Seen = NamedHost & Readonly<{ jobs: Reading<readonly Job[]> }>;

async function findOnHost({ tree, host: { names }, jobs }: Seen): Promise<Part> {
  const { found: imagesFront, part } = await findImagesFront(tree);
  return together([
    partOf(jobs),
    part,
    await findServices({ tree, names, jobs: jobs.found, ...(imagesFront && { imagesFront }) }),
    await firewallWarnings(tree),
  ]);
}

/** The first host with a gateway is the gateway's; another's is told. */
async function findTheGateway(seen: readonly Seen[], now: Date): Promise<GatewayPart> {
  const having: Seen[] = [];
  for (const each of seen) if (await hasGateway(each.tree, each.jobs.found)) having.push(each);
  const [first, ...others] = having;
  if (!first) return { routing: { models: {} }, part: {} };
  const found = await findGateway(first.tree, first.jobs.found, now);
  const why = `is a second gateway: ${first.tree.host}'s is the one that is migrated.`;
  const told = others.map(({ tree }) => ({
    at: { host: tree.host, file: "/var/lib/gateway" },
    what: "gateway",
    why,
  }));
  return { ...found, part: together([found.part, { notUnderstood: told }]) };
}
