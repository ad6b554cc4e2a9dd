/** Volumes, binds, tmpfs and devices as Compose writes them. */
import { z } from "zod";
import { parseBytes } from "../quantities.ts";
import { boolean, bytes, integer, refuse, text } from "./fields.ts";

/** A mount, in the long form that every short form is read into. */
export type MountSpec = Readonly<{
  type: "volume" | "bind" | "tmpfs";
  source?: string | undefined;
  target: string;
  read_only?: boolean | undefined;
  tmpfs?: TmpfsOptions | undefined;
}>;

/** How a tmpfs is made; the mode is a number, as in 0o1777. */
type TmpfsOptions = Readonly<{
  size?: number | undefined;
  mode?: number | undefined;
  uid?: number | undefined;
  gid?: number | undefined;
}>;

const tmpfsOptions = z.strictObject({
  size: bytes.optional().describe("Most it may hold, such as 64m."),
  mode: z
    .preprocess(
      (value) => (typeof value === "string" ? Number.parseInt(value, 8) : value),
      z.int().min(0).max(0o7777),
    )
    .optional()
    .describe('Permissions: 0o1777, or "1777" in quotes.'),
  uid: integer(0).optional().describe("Owner of its root; needed for users other than root."),
  gid: integer(0).optional().describe("Group of its root."),
});

const absolute = z
  .string()
  .startsWith("/", "must be an absolute path inside the container, such as /data");

const longMount = z
  .strictObject({
    type: z
      .enum(["volume", "bind", "tmpfs"])
      .describe("volume: kept by the engine. bind: a path of this machine. tmpfs: memory."),
    source: text.optional().describe("Name of the volume, or path on this machine."),
    target: absolute.describe("Path inside the container."),
    read_only: boolean.optional().describe("The container cannot write to it."),
    tmpfs: tmpfsOptions.optional().describe("Options of a tmpfs."),
  })
  .superRefine((mount, context) => {
    if (mount.type === "tmpfs" ? mount.source !== undefined : mount.source === undefined) {
      refuse(
        context,
        mount.type === "tmpfs" ? "a tmpfs has no source" : `a ${mount.type} needs a source`,
      );
    }
    if (mount.type !== "tmpfs" && mount.tmpfs)
      refuse(context, "tmpfs options belong to `type: tmpfs`");
  });

const shortMount = z
  .string()
  .transform((value, context): MountSpec => readShortMount(value, context));

/** One entry of `volumes:`. */
export const mount = z.union([shortMount, longMount]);

/** One entry of `tmpfs:`: `/run` or `/run:size=64m,mode=1777,uid=1000,gid=1000`. */
export const tmpfs = z.string().transform((value, context): MountSpec => {
  const [target = "", options = ""] = value.split(/:(.*)/s);
  if (!target.startsWith("/")) return refuse(context, "must be an absolute path, such as /run");
  const read: { size?: number; mode?: number; uid?: number; gid?: number } = {};
  for (const option of options.split(",").filter(Boolean)) {
    const [name = "", given = ""] = option.split("=");
    const number = readTmpfsOption(name, given);
    if (number === undefined || Number.isNaN(number)) {
      return refuse(
        context,
        `\`${option}\` is no tmpfs option: use size=64m, mode=1777, uid=1000 or gid=1000`,
      );
    }
    Object.assign(read, { [name]: number });
  }
  return { type: "tmpfs", target, ...(options ? { tmpfs: read } : {}) };
});

function readTmpfsOption(name: string, given: string): number | undefined {
  if (name === "size") return parseBytes(given);
  if (name === "mode") return /^[0-7]{3,4}$/.test(given) ? Number.parseInt(given, 8) : undefined;
  return /^[ug]id$/.test(name) && /^\d+$/.test(given) ? Number(given) : undefined;
}

function readShortMount(value: string, context: z.RefinementCtx): MountSpec {
  const match = /^((?:[A-Za-z]:\\)?[^:]+):([^:]*)(?::([^:]*))?$/.exec(value);
  const [, source = "", target = "", options = ""] = match ?? [];
  const bind = /^(?:[./~]|[A-Za-z]:\\)/.test(source);
  const problem = match ? partsProblem(bind ? "x" : source, target, options) : unnamed;
  if (problem !== undefined) return refuse(context, problem);
  const readOnly = options === "ro" ? { read_only: true } : {};
  return { type: bind ? "bind" : "volume", source, target, ...readOnly };
}

const unnamed =
  "must be `name:/path`, `./folder:/path` or `name:/path:ro`: an unnamed volume would be lost with its container";

function partsProblem(name: string, target: string, options: string): string | undefined {
  if (!target.startsWith("/")) return `\`${target}\` must be an absolute path inside the container`;
  if (!["", "ro", "rw"].includes(options)) {
    return `\`${options}\` is not supported here: use \`ro\` or \`rw\``;
  }
  return /^[A-Za-z0-9][\w.-]*$/.test(name)
    ? undefined
    : `\`${name}\` is no volume name; a path of this machine starts with ./, / or ~`;
}

const longDevice = z.strictObject({
  source: text.describe("Device on this machine."),
  target: text.optional().describe("Path inside the container; the same by default."),
  permissions: z
    .string()
    .regex(/^[rwm]{1,3}$/, "must be made of r, w and m")
    .default("rwm")
    .describe("What it may do: r, w and m; all by default."),
});

/** One entry of `devices:`: `/dev/dri`, `/dev/a:/dev/b:rwm` or the long form. */
export const device = z.union([z.string(), longDevice]).transform((value, context) => {
  if (typeof value !== "string") return { ...value, target: value.target ?? value.source };
  const [source = "", target, permissions = "rwm"] = value.split(":");
  if (!source.startsWith("/")) {
    return refuse(context, `\`${value}\` is no path under /dev; ask for GPUs with \`gpus:\``);
  }
  if (!/^[rwm]{1,3}$/.test(permissions))
    return refuse(context, `\`${permissions}\` must be made of r, w and m`);
  return { source, target: target ?? source, permissions };
});

/** One entry of the stack's `volumes:`. */
export const volume = z
  .strictObject({
    name: text.optional().describe("Its name on the engine; `<stack>_<key>` by default."),
    external: boolean.optional().describe("It exists already: Nexus neither makes nor removes it."),
    driver: text.optional().describe("Volume driver; `local` by default."),
    driver_opts: z
      .record(z.string(), z.union([z.string(), z.number()]).transform(String))
      .optional()
      .describe("Options of the driver."),
  })
  .nullable()
  .transform((value): VolumeSpec => value ?? {});

/** A volume as written. */
export type VolumeSpec = Readonly<{
  name?: string | undefined;
  external?: boolean | undefined;
  driver?: string | undefined;
  driver_opts?: Readonly<Record<string, string>> | undefined;
}>;
