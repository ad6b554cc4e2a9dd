/** Debian's Prometheus: its program alone, unpacked once and never installed, so that nothing of it runs on this machine. */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { stateDir } from "./places.ts";
import { run } from "./processes.ts";

const folder = join(stateDir, "prometheus");

/** Where it lies once `preparePrometheus` has run. */
export const prometheusProgram = join(folder, "usr/bin/prometheus");

/** Fetches the package unless it is there. */
export function preparePrometheus(say: (line: string) => void): void {
  if (existsSync(prometheusProgram)) return;
  say("fetching Debian's Prometheus");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  run(["apt-get", "-q", "update"]);
  const fetchPackage = "apt-get -q download prometheus && dpkg-deb --extract prometheus_*.deb .";
  run(["sh", "-ec", `cd '${folder}' && ${fetchPackage} && rm prometheus_*.deb`]);
}
