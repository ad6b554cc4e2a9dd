/** Debian as images have it: made once, from Debian's own mirror, and kept as layers. */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { debianDir } from "./places.ts";
import { run } from "./processes.ts";

const suite = "bookworm";

/** Packages that builds on the bed may install with `apt-get`, from a source that lies in the image itself. */
const offered = ["espeak-ng"];

/** What the stand-in of the official Python image has beside Python. */
const python = ["python3", "python3-fastapi", "python3-uvicorn", "python3-httpx", "python3-pytest"];

/** Where the image keeps the packages it offers. */
const shelf = "var/nexus-bed-packages";

/** Makes `base.tar` and `python.tar` in `debianDir` unless they are there; about a minute. */
export function prepareDebian(say: (line: string) => void): void {
  if (["base.tar", "python.tar"].every((name) => existsSync(join(debianDir, name)))) return;
  say("making a Debian root file system");
  const root = join(debianDir, "root");
  rmSync(debianDir, { recursive: true, force: true });
  mkdirSync(debianDir, { recursive: true });
  run(["debootstrap", "--variant=minbase", suite, root, ...debianMirror()]);
  run(["chroot", root, "apt-get", "-q", "update"]);
  fetchPackages(root, python);
  packPython(root);
  fetchPackages(root, offered);
  shelve(root);
  packBase(root);
  rmSync(root, { recursive: true, force: true });
}

/** The mirror that this machine gets its own packages from, where it is a Debian; else debootstrap has one of its own. */
function debianMirror(): readonly string[] {
  const format = ["--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"];
  const lines = run(["apt-get", "indextargets", ...format]).split("\n");
  const own = lines.find((line) => line.endsWith(`/debian/ ${suite}`));
  return own?.split(" ").slice(0, 1) ?? [];
}

/** Downloads packages with all they need beyond the root file system. */
function fetchPackages(root: string, names: readonly string[]): void {
  const install = ["apt-get", "-q", "-y", "install", "--no-install-recommends", "--download-only"];
  run(["chroot", root, ...install, ...names]);
}

const archives = (root: string): string => join(root, "var/cache/apt/archives");

function packagesIn(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => name.endsWith(".deb"));
}

/** Unpacked without their scripts, which only compile ahead of time. */
function packPython(root: string): void {
  const layer = join(debianDir, "python");
  for (const file of packagesIn(archives(root))) {
    run(["dpkg-deb", "--extract", join(archives(root), file), layer]);
    rmSync(join(archives(root), file));
  }
  for (const folder of ["usr/share/doc", "usr/share/man", "usr/share/locale"])
    rmSync(join(layer, folder), { recursive: true, force: true });
  run(["ln", "-s", "python3", join(layer, "usr/bin/python")]);
  mkdirSync(join(layer, "usr/local/bin"), { recursive: true });
  writeFileSync(join(layer, "usr/local/bin/pip"), pip, { mode: 0o755 });
  pack(layer, "python.tar");
  rmSync(layer, { recursive: true, force: true });
}

/** Installs nothing: it agrees when what is asked for is there under its name, whatever the version. */
const pip = `#!/usr/bin/python3
import importlib.metadata, re, sys
words = [word for word in sys.argv[1:] if not word.startswith("-")]
files = [sys.argv[at + 1] for at, word in enumerate(sys.argv) if word in ("-r", "--requirement")]
named = [word for word in words[1:] if word not in files]
named += [line for file in files for line in open(file).read().splitlines()]
for line in named:
    name = re.match(r"[\\w.-]*", line.strip()).group()
    if name:
        print("Requirement already satisfied:", name, importlib.metadata.version(name))
`;

/** Puts the packages where `apt-get` of the image finds them, and takes away every other source. */
function shelve(root: string): void {
  const folder = join(root, shelf);
  mkdirSync(folder, { recursive: true });
  for (const file of packagesIn(archives(root)))
    renameSync(join(archives(root), file), join(folder, file));
  const index = packagesIn(folder).map((file) => indexEntry(folder, file));
  writeFileSync(join(folder, "Packages"), `${index.join("\n\n")}\n`);
  writeFileSync(join(root, "etc/apt/sources.list"), `deb [trusted=yes] file:/${shelf} ./\n`);
}

/** What a package says of itself, and where it lies: deb-src-files of a flat repository (sources.list(5)). */
function indexEntry(folder: string, file: string): string {
  const path = join(folder, file);
  const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
  const control = run(["dpkg-deb", "--field", path]).trim();
  return `${control}\nFilename: ./${file}\nSize: ${statSync(path).size}\nSHA256: ${sha256}`;
}

function packBase(root: string): void {
  for (const folder of ["var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"])
    rmSync(join(root, folder), { recursive: true, force: true });
  mkdirSync(join(root, "var/lib/apt/lists/partial"), { recursive: true });
  pack(root, "base.tar");
}

/** The same tree gives the same archive; devices are the engine's business. */
function pack(folder: string, name: string): void {
  const same = ["--sort=name", "--mtime=@0", "--numeric-owner", "--exclude=./dev/*"];
  run(["tar", ...same, "-C", folder, "-cf", join(debianDir, `${name}.part`), "."]);
  renameSync(join(debianDir, `${name}.part`), join(debianDir, name));
}
