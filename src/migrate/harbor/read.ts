/** Finds Harbor on this machine and reads its settings. Nothing is written there. */
import { statSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { exitCodes, NexusError } from "../../errors.ts";
import { textOf } from "../compose/find.ts";
import type { ComposeSource } from "../compose/read.ts";
import type { Harbor } from "./convert.ts";

/** Harbor is not where it was looked for. */
export class HarborNotFoundError extends NexusError {
  readonly code = "NEXUS_HARBOR_NOT_FOUND";
  readonly exitCode = exitCodes.usage;
  readonly remedy = "Name its folder: `nexus migrate --from harbor --source ~/.harbor`.";
  override readonly details: Readonly<{ path: string }>;

  constructor(path: string) {
    super(`Harbor has no settings at ${path}.`);
    this.details = { path };
  }
}

/** Harbor's folder: the path that was given, HARBOR_HOME, or `~/.harbor`. Throws {@link HarborNotFoundError}. */
export function readHarbor(
  [path = "."]: readonly string[],
  environment: ComposeSource["environment"],
): Harbor {
  const home = environment["HOME"] ?? homedir();
  const usual = environment["HARBOR_HOME"] ?? join(home, ".harbor");
  const folder = resolve(path === "." ? usual : path);
  const text = textOf(join(folder, ".env"));
  if (text === undefined) throw new HarborNotFoundError(join(folder, ".env"));
  const isFolder = (at: string): boolean =>
    statSync(at, { throwIfNoEntry: false })?.isDirectory() ?? false;
  return { folder, home, text, isFolder, textOf };
}
