/** Builds what is published: the command line (dist/start.cjs and its program) and the gateway (dist/gateway.mjs). */
import { globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type BuildOptions, type Plugin } from "esbuild";
import { execa } from "execa";
import { buildGateway, englishOnly } from "./build-gateway.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * What dependencies load at once and Nexus never calls. dockerode: ssh (Nexus runs the `ssh` program), gRPC (no BuildKit
 * sessions) and a packer of folders (Nexus packs its own contexts). oclif: the finding of commands by pattern, of plugins and
 * of its own settings (package.json names them all), the check of Node's version (bin/run.js did it), Windows' shell.
 */
const neverCalled =
  /^(?:ssh2|@grpc\/.+|protobufjs|cpu-features|tar-fs|tinyglobby|minimatch|lilconfig|semver|wsl-utils)$/;

const leftOut: Plugin = {
  name: "left-out",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: neverCalled }, ({ path }) => ({ path, namespace: "absent" }));
    onLoad({ filter: /.*/, namespace: "absent" }, () => ({ contents: "module.exports = {};" }));
    // docker-modem is given connections that are encrypted already; loading https reads Node's certificates.
    onResolve({ filter: /^https$/ }, ({ importer }) =>
      importer.includes("docker-modem") ? { path: "https", namespace: "absent" } : undefined,
    );
    // Command ids are plain ASCII; comparing them by locale loads ICU's collations.
    onLoad({ filter: /@oclif[\\/]core[\\/]lib[\\/]config[\\/]plugin\.js$/ }, ({ path }) => {
      const source = readFileSync(path, "utf8");
      const contents = source.replace("a.id.localeCompare(b.id)", "(a.id < b.id ? -1 : 1)");
      if (contents === source) throw new Error(`${path} sorts in another way: look again.`);
      return { contents };
    });
    // A copy of Node's streams for other runtimes.
    onResolve({ filter: /^readable-stream$/ }, () => ({ path: "node:stream", external: true }));
  },
};

/** Everything that the command line runs, in one file; commands that are not asked for are not run. */
function programSource(): string {
  const command = (file: string) => {
    const id = file.slice("src/commands/".length, -".ts".length).replaceAll(/[\\/]/g, ":");
    return `get ${JSON.stringify(id)}() { return require("./${file}").default; },`;
  };
  const files = globSync("src/commands/**/*.ts", { cwd: root });
  return [
    `export { main } from "./src/main.ts";`,
    `export { default as commandNotFound } from "./src/hooks/command-not-found.ts";`,
    `export const commands = {${files.toSorted().map(command).join("\n")}};`,
  ].join("\n");
}

const shared = {
  absWorkingDir: root,
  outdir: "dist-next",
  bundle: true,
  platform: "node",
  target: "node22",
  logLevel: "warning",
  legalComments: "none",
  minifyWhitespace: true,
  minifySyntax: true,
  // CommonJS, because an import of a builtin makes Node read all its exports, also the lazy ones: `node:http`
  // then loads all of undici and `node:fs` its streams, 60 ms of CPU that no command needs.
  format: "cjs",
  outExtension: { ".js": ".cjs" },
} as const satisfies BuildOptions;

/** Writes the program and returns the name of its file. */
async function buildProgram(): Promise<string> {
  const { outputFiles } = await build({
    ...shared,
    stdin: { contents: programSource(), resolveDir: root, sourcefile: "program.ts", loader: "ts" },
    entryNames: "program-[hash]",
    write: false,
    // oclif looks for these only when it runs TypeScript sources, which a built command line never does.
    external: ["typescript", "ts-node", "tsx", "#gateway-bundle"],
    plugins: [englishOnly, leftOut],
    define: { "import.meta.url": "__fileUrl", "import.meta.resolve": "__resolve" },
    banner: {
      js:
        'const { pathToFileURL: __toUrl } = require("node:url"), __fileUrl = __toUrl(__filename).href, ' +
        "__resolve = (name) => __toUrl(require.resolve(name)).href;",
    },
  });
  const [program] = outputFiles;
  if (!program) throw new Error("esbuild wrote nothing.");
  mkdirSync(`${root}/dist-next`, { recursive: true });
  writeFileSync(program.path, program.contents);
  return basename(program.path);
}

async function buildCommandLine(): Promise<void> {
  const program = await buildProgram();
  await build({
    ...shared,
    entryPoints: ["src/start.ts"],
    define: { NEXUS_PROGRAM: JSON.stringify(program) },
  });
}

/** Writes the list of commands, so that oclif need not load them all to find one. */
async function writeManifest(): Promise<void> {
  rmSync(`${root}/oclif.manifest.json`, { force: true });
  await execa("oclif", ["manifest", "."], {
    cwd: root,
    preferLocal: true,
    localDir: root,
    env: { NODE_DISABLE_COMPILE_CACHE: "1" },
  });
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
