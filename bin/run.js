#!/usr/bin/env node
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `Nexus needs Node 22.19 or later; this is ${process.versions.node}.\n` +
      "Install a current Node (https://nodejs.org), or inside a clone run it as `npx nexus`, which brings its own.\n",
  );
  process.exit(2);
}

// Builtins are asked for, not imported: an import makes Node read their lazy exports as well, which costs more than a start.
const { existsSync, readFileSync } = process.getBuiltinModule("node:fs");
const { createRequire } = process.getBuiltinModule("node:module");

const words = process.argv.slice(2);
if (words.length === 1 && ["--version", "-v", "version"].includes(words[0])) {
  const { name, version } = JSON.parse(
    readFileSync(new URL("../package.json", import.meta.url), "utf8"),
  );
  process.stdout.write(
    `${name}/${version} ${process.platform}-${process.arch} node-${process.version}\n`,
  );
  process.exit(0);
}

// A clone that was never built builds itself, once; what is published has no scripts and was built.
const build = new URL("../scripts/build.ts", import.meta.url);
if (!existsSync(new URL("../dist/start.cjs", import.meta.url)) && existsSync(build)) {
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { fileURLToPath } = process.getBuiltinModule("node:url");
  process.stderr.write("This clone is not built yet: building it, once.\n");
  const built = spawnSync(process.execPath, [fileURLToPath(build)], { stdio: ["ignore", 2, 2] });
  if (built.status !== 0) {
    process.stderr.write(
      "That failed. Run `npm ci` in the clone, then `npm run build`, and try again.\n",
    );
    process.exit(1);
  }
}

const { main } = createRequire(import.meta.url)("../dist/start.cjs");
await main(import.meta.url);
