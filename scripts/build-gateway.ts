/** Bundles the gateway into the one file that its image holds: `node scripts/build-gateway.ts [outfile]`. */
import { readFile, stat } from "node:fs/promises";
import { build } from "esbuild";

const outfile = process.argv[2] ?? "dist/gateway.mjs";
const { version } = JSON.parse(await readFile("package.json", "utf8")) as { version: string };

await build({
  entryPoints: ["src/gateway/main.ts"],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node22",
  legalComments: "eof",
  // undici is CommonJS and asks for Node's own modules with `require`.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  define: { NEXUS_VERSION: JSON.stringify(version) },
});

const { size } = await stat(outfile);
process.stdout.write(`${outfile} ${Math.round(size / 1024)} KiB\n`);
