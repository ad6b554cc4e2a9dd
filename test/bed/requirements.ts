/** What a machine must have for the bed, and how it gets it. */
import { existsSync } from "node:fs";
import { platform } from "node:os";
import { join } from "node:path";
import { path, run } from "./processes.ts";

/** This machine cannot carry the bed; the message says what to do instead. */
export class UnfitMachineError extends Error {
  override name = "UnfitMachineError";
  constructor(because: string) {
    super(`${because}\n\n${elsewhere}`);
  }
}

const elsewhere = `The tests need root on a Debian-like Linux, because they run a Docker Engine, a registry and a
network of their own. With any Docker on this machine, run them in a privileged container:

  docker run --rm -it --privileged -v "$PWD":/src:ro -v nexus-bed:/var/lib/nexus-bed \\
    node:24-bookworm bash -c 'mkdir /checkout && cd /src \\
      && tar -c --exclude=node_modules --exclude=dist . | tar -x -C /checkout \\
      && cd /checkout && npm ci && npm test'

The unit tests alone need none of that: npx vitest run --project unit`;

const packages: Readonly<Record<string, string>> = {
  dockerd: "docker.io",
  runc: "runc",
  "docker-registry": "docker-registry",
  iptables: "iptables",
  ip: "iproute2",
  nsenter: "util-linux",
  flock: "util-linux",
  mount: "mount",
  busybox: "busybox-static",
  debootstrap: "debootstrap",
  "espeak-ng": "espeak-ng",
  git: "git",
};

/** Modules of Debian's own Python that tests of the Python scaffold need. */
const modules: Readonly<Record<string, string>> = {
  fastapi: "python3-fastapi",
  uvicorn: "python3-uvicorn",
  httpx: "python3-httpx",
  pytest: "python3-pytest",
};

const modulesDir = "/usr/lib/python3/dist-packages";

/** Throws UnfitMachineError unless the bed can run here. */
export function requireFitMachine(): void {
  if (platform() !== "linux") throw new UnfitMachineError(`The bed does not run on ${platform()}.`);
  if (process.getuid?.() !== 0) throw new UnfitMachineError("The bed needs root.");
  const unmet = missingPackages();
  if (unmet.length > 0 && !onPath("apt-get")) {
    throw new UnfitMachineError(
      `Missing here, and there is no apt-get to add it: ${unmet.join(", ")}.`,
    );
  }
}

/** Installs the Debian packages whose programs are missing; touches nothing when none is. */
export function installMissingPackages(say: (line: string) => void): void {
  const missing = missingPackages();
  if (missing.length === 0) return;
  say(`installing ${missing.join(", ")}`);
  const apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"];
  run([...apt, "update"]);
  run([...apt, "install", "--no-install-recommends", ...missing]);
}

function missingPackages(): readonly string[] {
  const missing = [
    ...Object.entries(packages).filter(([program]) => !onPath(program)),
    ...Object.entries(modules).filter(([module]) => !existsSync(join(modulesDir, module))),
  ];
  return [...new Set(missing.map(([, name]) => name))];
}

function onPath(program: string): boolean {
  return path()
    .split(":")
    .some((dir) => dir !== "" && existsSync(join(dir, program)));
}
