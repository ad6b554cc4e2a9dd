/** The services of one host. */
import { readEnvFile } from "../read/env-file.ts";
import type { Found, Place, Reading } from "../reading.ts";
import type { SourceTree } from "../source/tree.ts";
import type { ImagesFront } from "./images-front.ts";
import type { Job } from "./job.ts";
import { knownServices, type KnownService } from "./known-services.ts";
import { findStores, type Stores } from "./model-stores.ts";
import { filesAt } from "./kept-files.ts";
import { together, type Part } from "./part.ts";
import { readFile } from "./read-file.ts";
import { serviceOf, serviceWarnings, type Seen } from "./service-of.ts";
import { overlaid, setting, type Settings } from "./settings.ts";
import { urlsOfService } from "./urls.ts";

/** What is known of a host already. */
export type Host = Readonly<{
  tree: SourceTree;
  names: readonly string[];
  jobs: readonly Job[];
  /** Where nginx stands before a port of the machine for images. */
  imagesFront?: ImagesFront;
}>;

/** Every service that ai-infra installed on a host. */
export async function findServices(host: Host): Promise<Part> {
  const parts: Part[] = [];
  for (const known of knownServices) parts.push(await findService(host, known));
  return together(parts);
}

async function findService(host: Host, known: KnownService): Promise<Part> {
  const { tree, jobs } = host;
  const job = jobs.find(({ unit }) => isJobOf(unit, known));
  const files = await settingsFiles(tree, known, job);
  const stores = await findStores(tree, known, storeSetting(files, job));
  const at = placeOf(job, files, stores);
  if (!at) return {};
  if (job && (await isAbandoned(tree, known, job, files))) return abandoned(known, job);
  const seen: Seen = {
    known,
    host: tree.host,
    ownNames: host.names,
    at,
    ...(job && { job }),
    settings: settingsOf(files, job),
    ...frontOf(host, known),
    stored: namesIn(stores),
    ...(job && (await runningOf(tree, job))),
  };
  const service = serviceOf(seen);
  return together([
    { services: [service], urls: urlsOfService(service), models: stores.models },
    {
      notUnderstood: [
        ...stores.notUnderstood,
        ...files.read.flatMap(({ notUnderstood }) => notUnderstood),
      ],
    },
    serviceWarnings(seen),
    { warnings: files.unread.map((file) => unreadBy(known, job, file)) },
    await madeBy(tree, known),
    known.name === "telegram-bot" ? await botFiles(tree, files) : {},
  ]);
}

function isJobOf({ manager, name }: Job["unit"], known: KnownService): boolean {
  return manager === "launchd" ? name === known.label : name === `${known.unit}.service`;
}

type File = Reading<Settings> & Readonly<{ at: Place }>;
type Files = Readonly<{ read: readonly File[]; unread: readonly Place[] }>;

/** Those that the job reads, and those that lie there and it does not. */
async function settingsFiles(
  tree: SourceTree,
  known: KnownService,
  job: Job | undefined,
): Promise<Files> {
  const paths = filesInForce(known, job);
  const dialect = job?.unit.manager === "systemd" ? "systemd" : "dotenv";
  const read: File[] = [];
  for (const path of paths) {
    const file = await readFile(tree, path, (bytes, at) => readEnvFile(bytes, at, dialect));
    if (file) read.push(file);
  }
  const unread: Place[] = [];
  for (const path of known.files.filter((each) => !paths.includes(each)))
    if ((await tree.entry(path))?.kind === "file") unread.push({ host: tree.host, file: path });
  return { read, unread };
}

function filesInForce(known: KnownService, job: Job | undefined): readonly string[] {
  if (job?.unit.manager === "launchd" && known.unreadByLaunchd) return [];
  return job?.files ?? known.files;
}

/** What systemd reads from files wins over what stands in the unit; what launchd sets is there before a program reads its file. */
function settingsOf({ read }: Files, job: Job | undefined): Settings {
  const files = read.map(({ found }) => found);
  const own = ofProgram(job?.environment ?? new Map());
  return job?.unit.manager === "launchd" ? overlaid(...files, own) : overlaid(own, ...files);
}

/** What only the old host's processes need, in every unit alike: no setting of the service. */
const ofHost = new Set(["PATH", "HOME", "USER", "LANG", "PYTHONUNBUFFERED"]);

function ofProgram(environment: Settings): Settings {
  return new Map([...environment].filter(([name]) => !ofHost.has(name)));
}

function storeSetting(files: Files, job: Job | undefined): string | undefined {
  return setting(settingsOf(files, job), "OLLAMA_MODELS")?.value;
}

/** Where it is said that the service is there; undefined where it is not. */
function placeOf(job: Job | undefined, files: Files, stores: Stores): Place | undefined {
  const [store] = stores.models;
  const ofStore = store && { host: store.host, file: store.path };
  return job?.at ?? files.read[0]?.at ?? ofStore;
}

function namesIn({ models }: Stores): readonly string[] {
  const stores = models.filter(({ format }) => format === "ollama");
  return stores.flatMap((store) => store.models.map(({ name }) => name));
}

function frontOf({ imagesFront }: Host, known: KnownService): Pick<Seen, "front"> {
  const fronted =
    imagesFront &&
    known.provides.includes("image") &&
    known.listens?.byDefault === imagesFront.port;
  return fronted ? { front: imagesFront.front } : {};
}

async function runningOf(tree: SourceTree, job: Job): Promise<Pick<Seen, "running">> {
  const running = await tree.running(job.unit);
  return running === undefined ? {} : { running };
}

/** A job of launchd that was left behind: neither settings nor a folder nor its program are there. */
async function isAbandoned(
  tree: SourceTree,
  known: KnownService,
  job: Job,
  files: Files,
): Promise<boolean> {
  if (job.unit.manager !== "launchd" || files.read.length + files.unread.length > 0) return false;
  const [program = ""] = job.argv;
  const folder = await tree.entry(`/var/lib/${known.name}`);
  return !folder && !(await tree.entry(program));
}

function abandoned(known: KnownService, { at, unit }: Job): Part {
  const why = `starts ${known.name}, which is not there any more: it is left out.`;
  return { notUnderstood: [{ at, what: unit.name, why }] };
}

function unreadBy(known: KnownService, job: Job | undefined, at: Place): Found<string> {
  const name = job?.unit.name ?? known.name;
  return {
    value: `${name} of ${at.host} does not read ${at.file}: what stands there is not in force.`,
    at,
  };
}

/** What it made stays where it is: told, because nothing is dropped silently. */
async function madeBy(tree: SourceTree, { made = [], name }: KnownService): Promise<Part> {
  const parts: Part[] = [];
  for (const path of made) {
    const { files = [] } = await filesAt(tree, "made", path);
    const why = (count: number, bytes: number) =>
      `holds ${count} ${count === 1 ? "file" : "files"} (${bytes} bytes) that ${name} made: nothing of it is moved.`;
    parts.push({
      notUnderstood: files.map((found) => ({
        at: { host: tree.host, file: path },
        what: "the folder",
        why: why(found.files, found.bytes),
      })),
    });
  }
  return together(parts);
}

/** The bot's settings are kept as they are: its token is in them. */
async function botFiles(tree: SourceTree, { read }: Files): Promise<Part> {
  const parts: Part[] = [];
  for (const { at } of read) parts.push(await filesAt(tree, "telegram", at.file));
  return { files: (together(parts).files ?? []).map((found) => ({ ...found, secret: true })) };
}
