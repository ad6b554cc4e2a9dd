/** The layers every stand-in is made of: Node with its libraries, a few system files, a static shell. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { repository } from "../places.ts";
import { appletEntries, type Entry, executableEntries, type Layer, layerOf } from "./layer.ts";

const systemFiles: readonly Entry[] = [
  { kind: "directory", path: "tmp", mode: 0o1777 },
  { kind: "directory", path: "root", mode: 0o700 },
  { kind: "directory", path: "home/node", uid: 1000 },
  {
    kind: "file",
    path: "etc/passwd",
    content:
      "root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
  },
  { kind: "file", path: "etc/group", content: "root:x:0:\nnode:x:1000:\nnogroup:x:65534:\n" },
];

/** The commands of the stand-in shell; curl and wget are left out, as in the real images. */
const applets =
  "sh ls cat echo env id sleep mkdir rm cp mv chmod chown touch ps kill true false test tail head grep";

/** Node at /usr/local/bin/node, users, /tmp, and a shell. */
export async function nodeLayers(): Promise<readonly Layer[]> {
  const node = join(repository, "node_modules/node/bin/node");
  const links = appletEntries(applets.split(" ").map((name) => `bin/${name}`));
  return [
    await layerOf([...systemFiles, ...executableEntries(node, "usr/local/bin/node")]),
    await layerOf([...executableEntries(busyboxPath(), "bin/busybox"), ...links]),
  ];
}

/** A static shell alone, for containers that shall cost next to nothing. */
export async function tinyLayer(files: readonly Entry[]): Promise<Layer> {
  const links = appletEntries(["bin/sh", "bin/sleep", "bin/httpd"]);
  return layerOf([...executableEntries(busyboxPath(), "bin/busybox"), ...links, ...files]);
}

/** One stand-in program, bundled to `/stand-in.mjs`. */
export async function programLayer(name: string): Promise<Layer> {
  const bundle = await build({
    entryPoints: [join(repository, "test/bed/stand-ins", name, "main.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node22",
    // Packages that are CommonJS inside ask for Node's own modules this way.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    write: false,
  });
  const content = Buffer.from(bundle.outputFiles[0]?.contents ?? new Uint8Array());
  return layerOf([{ kind: "file", path: "stand-in.mjs", content }]);
}

function busyboxPath(): string {
  const places = ["/bin/busybox", "/usr/bin/busybox"];
  const found = places.find((place) => existsSync(place));
  if (found === undefined) throw new Error(`busybox is in none of ${places.join(", ")}`);
  return found;
}
