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
const { readFileSync } = process.getBuiltinModule("node:fs");
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

const { main } = createRequire(import.meta.url)("../dist/start.cjs");
await main(import.meta.url);
