/** The trees that the ancestor's project is moved from: its folder, what its gateway kept, and the secrets that its files hold. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Engine, ForeignContainer } from "../../engine/engine.ts";
import { gatewayData } from "../ai-infra/paths.ts";
import type { SecretFile } from "../compose/environment.ts";
import { containerTree } from "../source/container.ts";
import { FolderTree } from "../source/folder-tree.ts";
import { makePrivateTemporary } from "../source/private-temporary.ts";
import type { SourceTree } from "../source/tree.ts";
import { makePrivateFolder } from "../source/write-whole.ts";
import type { OldData } from "./old-data.ts";

/** What the trees are called. */
export const treeNames = {
  project: "project",
  gateway: "gateway",
  config: "config",
  secrets: "secrets",
} as const;

/** Where to read. */
export type AncestorSource = Readonly<{
  /** Of the project; absolute. */
  directory: string;
  data?: OldData | undefined;
  config?: OldData | undefined;
  /** The old gateway's, where it is still there. */
  container?: Pick<ForeignContainer, "id" | "running"> | undefined;
  engine?: Pick<Engine, "containers"> | undefined;
  secretFiles: readonly SecretFile[];
}>;

/** Opens them; there is none of the gateway where a volume's container is gone. */
export async function openAncestor(source: AncestorSource): Promise<readonly SourceTree[]> {
  const { directory, data, config, secretFiles } = source;
  const project = new FolderTree({ host: treeNames.project, root: directory, at: directory });
  // Wherever the gateway had its data, the tree has it in one place.
  const kept = await openKept(source, data, { host: treeNames.gateway, at: gatewayData });
  const at = config?.target ?? "/";
  const settings = await openKept(source, config, { host: treeNames.config, at });
  const secrets = secretFiles.length > 0 ? [await secretTree(secretFiles)] : [];
  return [project, ...(kept ? [kept] : []), ...(settings ? [settings] : []), ...secrets];
}

async function openKept(
  { container, engine }: AncestorSource,
  kept: OldData | undefined,
  place: Readonly<{ host: string; at: string }>,
): Promise<SourceTree | undefined> {
  if (kept?.folder !== undefined) return new FolderTree({ ...place, root: kept.folder });
  if (!kept || !container || !engine) return undefined;
  return containerTree(engine, { ...place, container, folder: kept.target });
}

async function secretTree(files: readonly SecretFile[]): Promise<SourceTree> {
  const folder = await makePrivateTemporary("nexus-secrets-");
  for (const { path, text } of files) {
    await makePrivateFolder(join(folder.path, path, ".."));
    await writeFile(join(folder.path, path), text, { mode: 0o600 });
  }
  const dispose = () => folder[Symbol.asyncDispose]();
  return new FolderTree({ host: treeNames.secrets, root: folder.path, dispose });
}
