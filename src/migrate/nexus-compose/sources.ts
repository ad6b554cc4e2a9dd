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
export const treeNames = { project: "project", gateway: "gateway", secrets: "secrets" } as const;

/** Where to read. */
export type AncestorSource = Readonly<{
  /** Of the project; absolute. */
  directory: string;
  data?: OldData | undefined;
  /** The old gateway's, where it is still there. */
  container?: Pick<ForeignContainer, "id" | "running"> | undefined;
  engine?: Pick<Engine, "containers"> | undefined;
  secretFiles: readonly SecretFile[];
}>;

/** Opens them; there is none of the gateway where a volume's container is gone. */
export async function openAncestor(source: AncestorSource): Promise<readonly SourceTree[]> {
  const { directory, secretFiles } = source;
  const project = new FolderTree({ host: treeNames.project, root: directory, at: directory });
  const kept = await openKept(source);
  const secrets = secretFiles.length > 0 ? [await secretTree(secretFiles)] : [];
  return [project, ...(kept ? [kept] : []), ...secrets];
}

/** Wherever the gateway had its data, the tree has it in one place. */
async function openKept({
  data,
  container,
  engine,
}: AncestorSource): Promise<SourceTree | undefined> {
  const place = { host: treeNames.gateway, at: gatewayData };
  if (data?.folder !== undefined) return new FolderTree({ ...place, root: data.folder });
  if (!data || !container || !engine) return undefined;
  return containerTree(engine, { ...place, container, folder: data.target });
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
