/** The small Node image that the gateway and the example template stand on. */
import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { execa } from "execa";
import type { ArchiveEntry, Engine, EngineDescription } from "../engine/engine.ts";
import { GatewayImageError } from "./errors.ts";

/** Where Node comes from inside containers: put together from this machine's files, or a published image. */
export type NodeBase = Readonly<
  { kind: "assembled"; ref: string } | { kind: "published"; ref: string }
>;

const publishedBase = "node:24-slim";
const architectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };
const owner = { uid: 65_532, gid: 65_532 };

/**
 * Which base fits an engine. An engine on this very Linux machine runs the Node that runs us, so nothing has
 * to be downloaded; any other engine needs an image of its own platform.
 */
export function chooseNodeBase(engine: EngineDescription, wanted: string | undefined): NodeBase {
  if (wanted !== undefined) return { kind: "published", ref: wanted };
  const ours = architectures[process.arch];
  const same =
    engine.local &&
    !engine.virtualMachine &&
    process.platform === "linux" &&
    engine.architecture === ours;
  if (!same) return { kind: "published", ref: publishedBase };
  return { kind: "assembled", ref: `nexus-node:${process.versions.node}-${ours}` };
}

/** Makes sure that the engine has the base. Throws GatewayImageError, or the engine's image errors. */
export async function ensureNodeBase(
  engine: Engine,
  base: NodeBase,
  onLine: (line: string) => void,
): Promise<void> {
  if (await engine.images.inspect(base.ref)) return;
  if (base.kind === "assembled") return assemble(engine, base.ref, onLine);
  for await (const { status } of engine.images.pull(base.ref)) onLine(status);
}

async function assemble(
  engine: Engine,
  ref: string,
  onLine: (line: string) => void,
): Promise<void> {
  onLine(`putting together a base image from Node ${process.versions.node} and its libraries`);
  const entries = [...baseFiles(), ...(await librariesOf(process.execPath)), nodeItself()];
  const labels = { "io.nexus.image": "node-base" };
  for await (const { line } of engine.images.assemble({ ref, entries, labels })) onLine(line);
}

function nodeItself(): ArchiveEntry {
  return { path: "rootfs/usr/local/bin/node", mode: 0o755, source: process.execPath };
}

function baseFiles(): ArchiveEntry[] {
  const dockerfile = [
    "FROM scratch",
    "COPY rootfs/ /",
    "ENV PATH=/usr/local/bin:/usr/bin:/bin NODE_ENV=production",
    "USER 65532:65532",
    'CMD ["node"]',
    "",
  ].join("\n");
  return [
    { path: "Dockerfile", mode: 0o644, content: dockerfile },
    {
      path: "rootfs/etc/passwd",
      mode: 0o644,
      content: "root:x:0:0:root:/:/sbin/nologin\nnexus:x:65532:65532:nexus:/:/sbin/nologin\n",
    },
    { path: "rootfs/etc/group", mode: 0o644, content: "root:x:0:\nnexus:x:65532:\n" },
    { path: "rootfs/etc/nsswitch.conf", mode: 0o644, content: "hosts: files dns\n" },
    { path: "rootfs/tmp", mode: 0o1777, directory: true },
    { path: "rootfs/app", mode: 0o755, ...owner, directory: true },
  ];
}

/** The shared libraries that the dynamic linker would load for a program, as `ldd` lists them. */
async function librariesOf(program: string): Promise<ArchiveEntry[]> {
  const { stdout } = await execa("ldd", [program], { reject: false });
  const listed = [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path]) => String(path));
  if (listed.length === 0) {
    throw new GatewayImageError(
      "`ldd` does not list the libraries of Node, so no base image can be put together here.",
      `Name a Node image in nexus.yaml: \`gateway: { base_image: ${publishedBase} }\`.`,
    );
  }
  const resolvers = listed.flatMap((path) => nameServiceLibraries(path));
  const paths = [...new Set([...listed, ...resolvers])];
  return Promise.all(
    paths.map(async (path) => ({
      path: `rootfs${path}`,
      mode: 0o755,
      source: await realpath(path),
    })),
  );
}

/** Before glibc 2.34 name resolution lived in libraries of its own, loaded at run time and unknown to `ldd`. */
function nameServiceLibraries(path: string): string[] {
  if (!path.endsWith("/libc.so.6")) return [];
  const folder = path.slice(0, path.lastIndexOf("/"));
  return ["libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2"]
    .map((name) => `${folder}/${name}`)
    .filter((candidate) => existsSync(candidate));
}
