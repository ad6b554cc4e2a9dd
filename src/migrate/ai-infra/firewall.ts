/** Rules of the old hosts' firewalls that do not hold for what Docker publishes. */
import { readText } from "../read/text.ts";
import type { Found } from "../reading.ts";
import type { SourceTree } from "../source/tree.ts";
import type { Part } from "./part.ts";
import { readFile } from "./read-file.ts";

const files = [
  "/etc/iptables/rules.v4",
  "/etc/iptables/rules.v6",
  "/etc/ufw/user.rules",
  "/etc/ufw/user6.rules",
  "/etc/sysconfig/iptables",
  "/etc/firewalld/zones/public.xml",
];

/** A warning a file that restricts who reaches a port. */
export async function firewallWarnings(tree: SourceTree): Promise<Part> {
  const warnings: Found<string>[] = [];
  for (const path of files) {
    const text = await readFile(tree, path, readText);
    const ports = text ? portsOf(text.found) : [];
    if (!text || ports.length === 0) continue;
    const value = `Rules of this firewall restrict port ${ports.join(", ")}: they do not protect ports that containers publish, because Docker's own rules come first.`;
    warnings.push({ value, at: text.at });
  }
  return { warnings };
}

/** Ports that a rule is about, in order. */
function portsOf(text: string): readonly number[] {
  const found = text.matchAll(/(?:--dports?\s+|\bport=")(\d{1,5})/g);
  return [...new Set([...found].map(([, port]) => Number(port)))].toSorted((a, b) => a - b);
}
