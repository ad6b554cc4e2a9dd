/** The gateway's image: its one-file program on the Node base, tagged by content, built in memory. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { ArchiveEntry, Engine } from "../engine/engine.ts";
import { GatewayImageError } from "./errors.ts";
import { ensureNodeBase, type NodeBase } from "./node-base.ts";

/** How the gateway's image starts Node: a small young generation keeps the memory down, which costs no time that could be measured. */
export const gatewayFlags: readonly string[] = [
  "--disable-proto=delete",
  "--max-semi-space-size=4",
];

/** The gateway's program and the image it becomes. */
export type GatewayImage = Readonly<{ ref: string; base: NodeBase; program: Buffer }>;

const owner = { uid: 65_532, gid: 65_532 };

/** Reads the built gateway and names its image; equal programs on equal bases have equal names. */
export async function readGatewayImage(base: NodeBase): Promise<GatewayImage> {
  const program = await readFile(new URL(import.meta.resolve("#gateway-bundle"))).catch(() => {
    throw new GatewayImageError("The gateway's program is not built.", "Run `npm run build`.");
  });
  const hash = createHash("sha256")
    .update(dockerfile(base))
    .update("\0")
    .update(program)
    .digest("hex");
  return { ref: `nexus-gateway:${hash.slice(0, 12)}`, base, program };
}

/** Makes sure that the engine has the gateway's image, and the base that it stands on. */
export async function ensureGatewayImage(
  engine: Engine,
  image: GatewayImage,
  onLine: (line: string) => void,
): Promise<void> {
  await ensureNodeBase(engine, image.base, onLine);
  const labels = { "io.nexus.image": "gateway" };
  for await (const { line } of engine.images.assemble({
    ref: image.ref,
    entries: context(image),
    labels,
  }))
    onLine(line);
}

/** The young generation is kept small: streams allocate little that lives, and memory stays flat under load. */
function dockerfile({ ref }: NodeBase): string {
  return [
    `FROM ${ref}`,
    "COPY gateway.mjs /nexus/gateway.mjs",
    "COPY --chown=65532:65532 data /data",
    "COPY --chown=65532:65532 run /run/nexus",
    "USER 65532:65532",
    `ENTRYPOINT ${JSON.stringify(["node", ...gatewayFlags, "/nexus/gateway.mjs"])}`,
    "CMD []",
    "",
  ].join("\n");
}

function context({ base, program }: GatewayImage): ArchiveEntry[] {
  return [
    { path: "Dockerfile", mode: 0o644, content: dockerfile(base) },
    { path: "gateway.mjs", mode: 0o444, content: program },
    { path: "data", mode: 0o700, ...owner, directory: true },
    { path: "run", mode: 0o700, ...owner, directory: true },
  ];
}
