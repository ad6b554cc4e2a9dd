/** Bundles the gateway into the one file that its image holds: `node scripts/build-gateway.ts [outfile]`. */
import { readFile, stat } from "node:fs/promises";
import { builtinModules } from "node:module";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Nexus speaks English: zod's other languages would be a quarter of what is built. */
export const englishOnly: Plugin = {
  name: "english-only",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /locales\/index\.(?:c?js)$/ }, ({ path }) => ({ path, namespace: "none" }));
    onLoad({ filter: /.*/, namespace: "none" }, () => ({ contents: "export {};" }));
  },
};

const builtinNames = new RegExp(`^(?:node:.+|${builtinModules.join("|")})$`);

/**
 * An ES import of a builtin makes Node read all its exports, also the lazy ones: `node:http` then loads the undici that
 * comes with Node, 45 ms of CPU at every start of the gateway and of its control channel. Asking for the module does not.
 */
const builtinsOnDemand: Plugin = {
  name: "builtins-on-demand",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: builtinNames }, ({ path }) => ({ path, namespace: "builtin" }));
    onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

/** Writes the gateway's bundle to `outfile`, relative to the checkout. */
export async function buildGateway(outfile: string): Promise<void> {
  const { version } = JSON.parse(await readFile(`${root}package.json`, "utf8")) as {
    version: string;
  };
  await build({
    absWorkingDir: root,
    logLevel: "warning",
    entryPoints: ["src/gateway/main.ts"],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node22",
    legalComments: "eof",
    plugins: [englishOnly, builtinsOnDemand],
    define: { NEXUS_VERSION: JSON.stringify(version) },
  });
}

if (import.meta.main) {
  const outfile = process.argv[2] ?? "dist/gateway.mjs";
  await buildGateway(outfile);
  const { size } = await stat(`${root}${outfile}`);
  process.stdout.write(`${outfile} ${Math.round(size / 1024)} KiB\n`);
}
