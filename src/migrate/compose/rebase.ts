/** Paths of a Compose file that lies elsewhere, as they read from the project's folder. Pure. */
import { posix } from "node:path";
import type { Variables } from "../../stack/interpolate.ts";
import { isRecord } from "../../stack/record.ts";
import { filled } from "./fill.ts";
import type { Values } from "./layers.ts";

/** A service, secret or config out of a file in `folder`, its paths relative to the project's folder. */
export function rebased(value: Values, folder: string, variables: Variables): Values {
  const move = (path: unknown): unknown => moved(path, folder, variables);
  const file = (entry: unknown): unknown =>
    isRecord(entry) ? { ...entry, path: move(entry["path"]) } : move(entry);
  const { build, env_file: envFile, volumes, file: own } = value;
  return {
    ...value,
    ...(build !== undefined && { build: isRecord(build) ? withContext(build, move) : move(build) }),
    ...(envFile !== undefined && {
      env_file: Array.isArray(envFile) ? envFile.map(file) : file(envFile),
    }),
    ...(Array.isArray(volumes) && {
      volumes: volumes.map((mount) => movedMount(mount, folder, variables)),
    }),
    ...(own !== undefined && { file: move(own) }),
  };
}

function withContext(build: Values, move: (path: unknown) => unknown): Values {
  return { ...build, context: move(build["context"] ?? ".") };
}

function moved(path: unknown, folder: string, variables: Variables): unknown {
  if (typeof path !== "string") return path;
  const meant = String(filled(path, variables));
  if (/^(?:[/~]|[A-Za-z]:\\|\w+:\/\/)/.test(meant)) return path;
  return path.startsWith("$") ? `./${folder}/${path}` : `./${posix.join(folder, path)}`;
}

function movedMount(mount: unknown, folder: string, variables: Variables): unknown {
  if (isRecord(mount))
    return mount["type"] === "bind"
      ? { ...mount, source: moved(mount["source"], folder, variables) }
      : mount;
  const [, source = "", rest = ""] = /^((?:\$\{[^}]*\}|[^:])*)(:.*)?$/s.exec(String(mount)) ?? [];
  const isPath = String(filled(source, variables)).startsWith(".");
  return isPath && rest !== "" ? `${String(moved(source, folder, variables))}${rest}` : mount;
}
