/** Ports, host names and GPUs as Compose writes them. */
import { isIP } from "node:net";
import { z } from "zod";
import { integer, port, refuse, text } from "./fields.ts";

/** A published port, in the long form that every short form is read into. */
type PortSpec = Readonly<{
  host_ip: string;
  published: number;
  target: number;
  protocol: "tcp" | "udp";
}>;

/** Where a published port listens when the file does not say: this machine only. */
const loopback = "127.0.0.1";

const hostIp = z
  .string()
  .refine((value) => isIP(value) !== 0, "must be an IP address, such as 127.0.0.1");

const longPort = z
  .strictObject({
    target: port.describe("Port inside the container."),
    published: port.optional().describe("Port on this machine; the same by default."),
    host_ip: hostIp.optional().describe("Address to listen on; 127.0.0.1 by default."),
    protocol: z.enum(["tcp", "udp"]).optional().describe("tcp by default."),
  })
  .transform((value): PortSpec => ({
    host_ip: value.host_ip ?? loopback,
    published: value.published ?? value.target,
    target: value.target,
    protocol: value.protocol ?? "tcp",
  }));

const shortPort = z
  .union([z.string(), z.number()])
  .transform((value, context): PortSpec => readShortPort(String(value), context));

/** One entry of `ports:`: `8080:80`, `127.0.0.1:8080:80/tcp`, `80`, or the long form. */
export const portBinding = z.union([shortPort, longPort]);

function readShortPort(value: string, context: z.RefinementCtx): PortSpec {
  const match =
    /^(?:(?:\[([^\]]+)\]|(\d+\.\d+\.\d+\.\d+)):)?(?:(\d+):)?(\d+)(?:\/(tcp|udp))?$/.exec(value);
  if (!match) {
    const range = /\d+-\d+/.test(value) ? "; write one entry for each port of a range" : "";
    return refuse(
      context,
      `\`${value}\` must be a port such as 8080:80, 127.0.0.1:8080:80/tcp or 80${range}`,
    );
  }
  const [, ipv6, ipv4, published, target, protocol] = match;
  const ip = ipv6 ?? ipv4 ?? loopback;
  const numbers = [Number(published ?? target), Number(target)] as const;
  if (isIP(ip) === 0 || numbers.some((number) => number < 1 || number > 65_535)) {
    return refuse(context, `\`${value}\` must have an IP address and ports from 1 to 65535`);
  }
  return {
    host_ip: ip,
    published: numbers[0],
    target: numbers[1],
    protocol: protocol === "udp" ? "udp" : "tcp",
  };
}

/** `extra_hosts:` as a list of `name:ip` or a map; read into `name:ip`. */
export const extraHosts = z
  .union([z.array(text), z.record(z.string(), text)])
  .transform((value, context) => {
    const pairs = Array.isArray(value)
      ? value.map((item) => item.split(/[:=](.*)/s))
      : Object.entries(value);
    const bad = pairs.find(
      ([host, ip]) => !host || (ip !== "host-gateway" && isIP(bare(ip ?? "")) === 0),
    );
    if (bad)
      return refuse(
        context,
        `\`${bad[0] ?? ""}\` must be \`name:ip\`, with an IP address or host-gateway`,
      );
    return pairs.map(([host, ip]) => `${host}:${bare(ip ?? "")}`);
  });

function bare(ip: string): string {
  return ip.replace(/^\[(.*)\]$/, "$1");
}

/** What is asked of the GPUs. */
export type GpuSpec = "none" | "auto" | "all" | number | readonly string[];

const composeGpu = z.strictObject({
  driver: z.enum(["nvidia", "cdi", "amd"]).optional().describe("Ignored: Nexus finds out."),
  count: z
    .union([z.literal("all"), integer(1)])
    .optional()
    .describe("How many."),
  device_ids: z.array(text).min(1).optional().describe("Which, by UUID."),
  capabilities: z.array(text).optional().describe("Ignored: always compute and utility."),
});

/** `gpus:`: `auto`, `none`, `all`, a number, a list of UUIDs, or Compose's long form. */
export const gpus = z
  .union([
    z.enum(["auto", "none", "all"]),
    integer(0),
    z.array(text).min(1),
    z.array(composeGpu).length(1),
  ])
  .transform((value): GpuSpec => {
    if (!Array.isArray(value)) return value === 0 ? "none" : value;
    const [first] = value;
    if (typeof first !== "object") return value.map(String);
    return first.device_ids ?? first.count ?? "all";
  });
