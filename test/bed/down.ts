/** `node test/bed/down.ts [--purge]`: ends every process of the bed and, with --purge, deletes its files. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { takeDownEngine } from "./engines.ts";
import { enginePlaces, runDir, stateDir } from "./places.ts";
import { removeFolder } from "./remains.ts";

const purge = process.argv.includes("--purge");
for (const name of [...privateEngines(), "main"]) await takeDownEngine(enginePlaces(name), purge);
removeFolder(runDir);
if (purge) removeFolder(stateDir);

function privateEngines(): readonly string[] {
  try {
    return readdirSync(join(runDir, "engines"));
  } catch {
    return [];
  }
}
