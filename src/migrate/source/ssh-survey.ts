/** What a host has where an old installation usually lies, from one answer: most of what is asked of a host is not there. Pure. */
import { posix } from "node:path";
import { quoted, recordMark, scriptEnds, scriptOf } from "./ssh-scripts.ts";

/** What a survey says of a path; undefined where it must be asked. */
type Surveyed = Readonly<
  | { kind: "absent" }
  /** What `stat` said of it, links followed. */
  | { kind: "there"; record: string }
>;

/** Folders that are listed, none of them with what lies below. */
const folders: readonly string[] = [
  ["/"],
  ["/etc", "/etc/nginx", "/etc/nginx/sites-enabled", "/etc/nginx/conf.d"],
  ["/etc/iptables", "/etc/ufw", "/etc/sysconfig", "/etc/firewalld", "/etc/firewalld/zones"],
  ["/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"],
  ["/lib/systemd/system", "/Library/LaunchDaemons", "/System/Library/CoreServices"],
  ["/Library/Preferences/SystemConfiguration"],
  ["/home", "/Users", "/root", "/opt", "/var/lib", "/var/lib/gateway", "/var/lib/gateway/app"],
  ["/var/lib/gateway/app/app", "/var/lib/gateway/data", "/var/lib/gateway/data/voice_library"],
  ["/usr/share/ollama/.ollama/models", "/usr/share/ollama/.ollama/models/blobs"],
].flat();

const homes = ["/home", "/Users"];
const checkouts = ["ai", "src", "repos", "workspace", "work", "code", "Code"];
const manifests = "/usr/share/ollama/.ollama/models/manifests";
const services = [
  "mlx",
  "nexa",
  "invokeai",
  "heartmula",
  "followyourcanvas",
  "skyreels-v2",
  "sdxl-turbo",
  "telegram-bot",
];

/** Patterns of the shell: what is quoted stays as it is, and `*` stands for every name. */
const patterns: readonly string[] = [
  ...folders.map(quoted),
  ...homes.map((home) => `${quoted(home)}/*`),
  ...checkouts.flatMap((name) => [
    ...homes.map((home) => `${quoted(home)}/*/${name}`),
    ...["/root", "/opt"].map((home) => `${quoted(home)}/${name}`),
  ]),
  ...services.map((name) => quoted(`/var/lib/${name}`)),
  `${quoted("/etc/systemd/system")}/*.service.d`,
  ...["", "/*", "/*/*", "/*/*/*"].map((below) => `${quoted(manifests)}${below}`),
];

/** Lists them as one folder is listed; a folder that could not be listed to its end does not count. */
export const surveyScript = scriptOf(`
say() { printf '%s%s|0|%s' "$mark" "$1" "$2"; }
for d in ${patterns.join(" ")}; do
  ( folder "$d" )
  case $? in
    0) say begin "$d"
      find -L "$d" -mindepth 1 -maxdepth 1 -type l -exec stat $flag "$every" {} + &&
        find -L "$d" -mindepth 1 -maxdepth 1 ! -type l -exec stat -L $flag "$every" {} + &&
        say whole "$d" ;;
    ${scriptEnds.absent}) say absent "$d" ;;
  esac
done 2>/dev/null
exit 0`);

type Listed = ReadonlyMap<string, string>;

/** The answer of a host. */
class Survey {
  readonly #listed = new Map<string, Listed>();
  readonly #absent = new Set<string>();
  /** The names in a folder without their case: some systems take `Code` and `code` for one. */
  readonly #folded = new Map<string, ReadonlySet<string>>();

  constructor(answer: string) {
    let names = new Map<string, string>();
    for (const record of recordsIn(answer)) {
      const { kind, path } = partsOf(record);
      if (kind === "absent") this.#absent.add(path);
      else if (kind === "whole") this.#keep(path, names);
      else if (kind === "begin") names = new Map();
      else names.set(posix.basename(path), record);
    }
  }

  /** What is known of a path. */
  at(path: string): Surveyed | undefined {
    if (path !== posix.normalize(path) || path === "/") return undefined;
    if (this.#absent.has(path)) return { kind: "absent" };
    const [folder, name] = [posix.dirname(path), posix.basename(path)];
    const record = this.#listed.get(folder)?.get(name);
    if (record !== undefined) return { kind: "there", record };
    const folded = this.#folded.get(folder);
    if (folded) return folded.has(fold(name)) ? undefined : { kind: "absent" };
    return this.at(folder)?.kind === "absent" ? { kind: "absent" } : undefined;
  }

  /** The records of all that lies in a folder; undefined when it must be asked. */
  below(path: string): readonly string[] | undefined {
    if (this.at(path)?.kind === "absent") return [];
    const listed = this.#listed.get(path);
    return listed && [...listed.values()];
  }

  #keep(folder: string, names: Listed): void {
    this.#listed.set(folder, names);
    this.#folded.set(folder, new Set([...names.keys()].map(fold)));
  }
}

/** Takes the survey when first asked for a path that it may know. */
export class Surveyor {
  readonly #take: () => Promise<string>;
  #survey: Promise<Survey> | undefined;
  #over = false;

  /** `take` resolves with what the script wrote. */
  constructor(take: () => Promise<string>) {
    this.#take = take;
  }

  /** Undefined where a path must be asked. */
  async at(path: string): Promise<Surveyed | undefined> {
    return (await this.#surveyFor(path))?.at(path);
  }

  /** Undefined where a folder must be asked. */
  async below(path: string): Promise<readonly string[] | undefined> {
    return (await this.#surveyFor(path))?.below(path);
  }

  /** From here on all is asked afresh. */
  end(): void {
    this.#over = true;
  }

  async #surveyFor(path: string): Promise<Survey | undefined> {
    if (this.#over || !surveyed.test(path)) return undefined;
    this.#survey ??= this.#take().then((answer) => new Survey(answer));
    return this.#survey;
  }
}

const surveyed = /^\/(?:etc|home|Users|root|opt|Library|System|usr|lib|var\/lib)(?:\/|$)/;

/** The records of an answer, each without its mark. */
export function recordsIn(answer: string): readonly string[] {
  return answer
    .split(recordMark)
    .slice(1)
    .map((record) => record.replace(/\n$/, ""));
}

/** What a record says. */
export function partsOf(record: string): Readonly<{ kind: string; bytes: number; path: string }> {
  const [, kind = "", size = "", path = ""] = /^([^|]*)\|(\d*)\|(.*)$/s.exec(record) ?? [];
  return { kind, bytes: Number(size), path: posix.normalize(path) };
}

function fold(name: string): string {
  return name.normalize().toLowerCase();
}
