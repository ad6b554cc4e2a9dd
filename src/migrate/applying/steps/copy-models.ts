/** The old store of models into the volume of the service that is to serve them, file by file. */
import { join, posix } from "node:path";
import { InterruptedError } from "../../../apply/errors.ts";
import type { Engine } from "../../../engine/engine.ts";
import type { ContainerService, Stack } from "../../../stack/stack.ts";
import type { Step } from "../../migration-plan.ts";
import { ollamaModelOf } from "../../read/ollama-manifest.ts";
import type { SourceEntry, SourceTree } from "../../source/tree.ts";
import { type StepContext, type StepRun, type StepWorker, treeOf } from "../context.ts";
import { CorruptBlobError } from "../errors.ts";
import { tellingGrowth } from "../growth.ts";
import { type CarrierPlace, type Carrier, withCarrier } from "./carrier.ts";

type CopyModels = Extract<Step, { kind: "copy-models" }>;

/** Copies what is complete: contents first and names last, so that no model is seen before it is whole. Throws CorruptBlobError. */
export const copyModelsStep: StepWorker<"copy-models"> = {
  begin: async ({ volume }) => ({ volumes: [volume] }),
  carryOut: async (step, context, run) => {
    const { world, plan, trees } = context;
    const stack = await world.load(plan.file);
    const place = placeOf(step, stack);
    await ensureImage(world.engine, place.image, run);
    const tree = treeOf(trees, step.store.host, step.store.path);
    const files = await filesOf(step.store, tree);
    await withCarrier(world.engine, place, (carrier) =>
      copyAll(files, { step, tree, carrier, context, run }),
    );
    return run.begun;
  },
};

type Copying = Readonly<{
  step: CopyModels;
  tree: SourceTree;
  carrier: Carrier;
  context: StepContext;
  run: StepRun;
}>;

async function copyAll(files: readonly SourceEntry[], copying: Copying): Promise<void> {
  const { step, context, run } = copying;
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  for (const file of files) {
    if (context.signal.aborted) throw new InterruptedError();
    const part = posix.relative(step.store.path, file.path);
    run.tell({ subject: part, bytes: { done, total } });
    if (!run.parts.has(part)) {
      const tell = (subject: string, bytes: number) =>
        run.tell({ subject, bytes: { done: done + Math.min(bytes, file.bytes), total } });
      await copyFile({ file, part, tell }, copying);
      await run.part(part);
    }
    done += file.bytes;
  }
  run.tell({ subject: "models", bytes: { done, total } });
}

type CopyingFile = Readonly<{
  file: SourceEntry;
  part: string;
  /** How many of its bytes are here. */
  tell: (subject: string, bytes: number) => void;
}>;

/** One file is on this machine at a time: a store can be larger than the disk here. */
async function copyFile({ file, part, tell }: CopyingFile, copying: Copying): Promise<void> {
  const { tree, step, carrier, context } = copying;
  const { disk, paths } = context;
  const draft = join(paths.drafts, encodeURIComponent(`${step.id} model`));
  await disk.makeFolder(paths.drafts, 0o700);
  await disk.remove(draft);
  await tellingGrowth(tree.fetch(file.path, draft), {
    draft,
    disk,
    tell: (bytes) => tell(part, bytes),
  });
  await refuseCorrupt(file, await disk.digest(draft));
  tell(`${part} into the volume`, file.bytes);
  const owner = ownerOf(carrier.user);
  const path = posix.join(step.folder, part);
  const folders = foldersOf(path).map((folder) => ({
    path: folder,
    mode: 0o755,
    ...owner,
    directory: true as const,
  }));
  await carrier.put([...folders, { path, mode: 0o644, ...owner, source: draft }]);
  await disk.remove(draft);
}

/** A blob of Ollama's store is called after its content. */
async function refuseCorrupt({ path }: SourceEntry, digest = ""): Promise<void> {
  const [, named] = /\/blobs\/sha256[-:]([0-9a-f]{64})$/.exec(path) ?? [];
  if (named !== undefined && digest !== `sha256:${named}`) throw new CorruptBlobError(path, digest);
}

/** Every file of the store that is complete, names last; a model of which a part is lost is fetched anew, and its name would keep it from that. */
async function filesOf(
  { path: folder, models }: CopyModels["store"],
  tree: SourceTree,
): Promise<readonly SourceEntry[]> {
  const broken = new Set(models.filter(({ complete }) => !complete).map(({ name }) => name));
  const all = await listAll(folder, tree);
  const whole = all.filter(({ path, bytes }) => bytes > 0 && !/-partial(-\d+)?$/.test(path));
  const isName = ({ path }: SourceEntry) => path.startsWith(posix.join(folder, "manifests/"));
  const names = whole.filter((file) => isName(file) && !broken.has(ollamaModelOf(file.path) ?? ""));
  return [...whole.filter((file) => !isName(file)), ...names];
}

/** A store is no deeper than `manifests/host/owner/model/tag`; links that lead back would have no end. */
const deepest = 6;

async function listAll(
  folder: string,
  tree: SourceTree,
  depth = 1,
): Promise<readonly SourceEntry[]> {
  const found: SourceEntry[] = [];
  for (const entry of await tree.list(folder)) {
    if (entry.kind === "file") found.push(entry);
    else if (depth < deepest) found.push(...(await listAll(entry.path, tree, depth + 1)));
  }
  return found;
}

/** The service that mounts the volume, its image and where it mounts it: so the volume gets the owner that it expects. */
function placeOf({ volume }: CopyModels, stack: Stack): CarrierPlace {
  for (const service of stack.services) {
    const mount = mountOf(service, volume);
    if (mount !== undefined && service.kind === "container")
      return { stack: stack.name, volume, image: service.image.ref, target: mount };
  }
  throw new Error(`No service of the stack mounts the volume ${volume}.`);
}

function mountOf(service: Stack["services"][number], volume: string): string | undefined {
  if (service.kind === "external") return undefined;
  const mounts: ContainerService["mounts"] = service.mounts;
  return mounts.find((mount) => mount.kind === "volume" && mount.source === volume)?.target;
}

async function ensureImage(engine: Engine, image: string, { tell }: StepRun): Promise<void> {
  if (await engine.images.inspect(image)) return;
  const subject = `image ${image}`;
  tell({ subject });
  for await (const { downloadedBytes: done, totalBytes: total } of engine.images.pull(image))
    tell({ subject, bytes: { done, total } });
}

/** Root's where the image names its user by a word: readable by all, as models are. */
function ownerOf(user: string): Readonly<{ uid: number; gid: number }> {
  const [, uid = "0", gid = uid] = /^(\d+)(?::(\d+))?$/.exec(user) ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

function foldersOf(path: string): readonly string[] {
  const names = path.split("/").slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join("/")).filter((name) => name !== "");
}
