/** Builds what is published: the command line (dist/main.js, dist/commands) and the gateway (dist/gateway.mjs). */
import { globSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { execa } from "execa";
import { buildGateway } from "./build-gateway.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * dockerode loads its own ssh and gRPC clients at import, a third of the start-up time. Nexus speaks ssh
 * through the `ssh` program and never opens a BuildKit session, so neither is ever called.
 */
const withoutSshAndGrpc: Plugin = {
  name: "without-ssh-and-grpc",
  setup({ onResolve, onLoad }) {
    onResolve(
      { filter: /^(ssh2|@grpc\/grpc-js|@grpc\/proto-loader|protobufjs|cpu-features)$/ },
      ({ path }) => ({
        path,
        namespace: "absent",
      }),
    );
    onLoad({ filter: /.*/, namespace: "absent" }, () => ({ contents: "module.exports = {};" }));
  },
};

async function buildCommandLine(): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: [
      "src/main.ts",
      ...globSync("src/commands/**/*.ts", { cwd: root }),
      ...globSync("src/hooks/*.ts", { cwd: root }),
    ],
    outdir: "dist-next",
    outbase: "src",
    bundle: true,
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    format: "esm",
    platform: "node",
    target: "node22",
    logLevel: "warning",
    legalComments: "none",
    minifyWhitespace: true,
    minifySyntax: true,
    // oclif looks for these only when it runs TypeScript sources, which a built command line never does.
    external: ["typescript", "ts-node", "tsx"],
    plugins: [withoutSshAndGrpc],
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  });
}

/** Writes the list of commands, so that oclif need not load them all to find one. */
async function writeManifest(): Promise<void> {
  rmSync(`${root}/oclif.manifest.json`, { force: true });
  await execa("oclif", ["manifest", "."], { cwd: root, preferLocal: true, localDir: root });
  const manifest = JSON.parse(readFileSync(`${root}/oclif.manifest.json`, "utf8")) as object;
  writeFileSync(`${root}/oclif.manifest.json`, JSON.stringify(manifest));
}

/** A build that fails leaves the one before it in place. */
function takeOver(): void {
  rmSync(`${root}/dist`, { recursive: true, force: true });
  renameSync(`${root}/dist-next`, `${root}/dist`);
}

rmSync(`${root}/dist-next`, { recursive: true, force: true });
await Promise.all([buildCommandLine(), buildGateway("dist-next/gateway.mjs")]);
takeOver();
await writeManifest();
