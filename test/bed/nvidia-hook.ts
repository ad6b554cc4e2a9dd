/**
 * What NVIDIA's hook does for a container, with GPUs that do not exist: puts `nvidia-smi` into it, which lists those that
 * it was given. Started by runc before the container's own program, with the OCI state on stdin.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { isCard, type Card } from "./card.ts";

/** The shell that runs it: images of services need not have one. */
const shell = "/.nvidia/busybox";

/** A program that answers `-L` and `--query-gpu=…` as nvidia-smi does for these GPUs. */
function nvidiaSmi(cards: readonly Card[]): string {
  const rows = cards.map(({ uuid, name, memoryMiB, usedMiB = 0, compute, driver }) =>
    [uuid, name, memoryMiB, usedMiB, compute, driver].join("|"),
  );
  return `#!${shell} sh
each() {
  while IFS='|' read -r uuid name total used cap driver; do "$@"; done <<'END'
${rows.join("\n")}
END
}
index=0
list() { echo "GPU $index: $name (UUID: $uuid)"; index=$((index + 1)); }
answer() {
  line=; IFS=,
  for field in $fields; do
    case $field in
      uuid) value=$uuid ;; name) value=$name ;; memory.total) value=$total ;; memory.used) value=$used ;;
      compute_cap) value=$cap ;; driver_version) value=$driver ;;
      *) echo "Field \\"$field\\" is not a valid field to query."; exit 2 ;;
    esac
    line="\${line:+$line, }$value"
  done
  echo "$line"
}
case $1 in
  -L) each list ;;
  --query-gpu=*) fields=\${1#--query-gpu=}; each answer ;;
  *) exit 1 ;;
esac
`;
}

/** The part of an OCI bundle's config.json that matters here. */
type Bundle = Readonly<{
  root: Readonly<{ path: string }>;
  process: Readonly<{ env: readonly string[] }>;
}>;

function givenTo({ process: { env } }: Bundle, cards: readonly Card[]): readonly Card[] {
  const name = "NVIDIA_VISIBLE_DEVICES=";
  const visible = env.findLast((line) => line.startsWith(name))?.slice(name.length) ?? "";
  const ids = visible.split(",");
  return cards.filter(({ uuid }) => visible === "all" || ids.includes(uuid));
}

function installIn(root: string, cards: readonly Card[]): void {
  for (const folder of ["/.nvidia", "/usr/bin"])
    mkdirSync(`${root}${folder}`, { recursive: true, mode: 0o755 });
  copyFileSync("/bin/busybox", `${root}${shell}`);
  writeFileSync(`${root}/usr/bin/nvidia-smi`, nvidiaSmi(cards), { mode: 0o755 });
}

const { bundle } = JSON.parse(readFileSync(0, "utf8")) as Readonly<{ bundle: string }>;
const config = JSON.parse(readFileSync(`${bundle}/config.json`, "utf8")) as Bundle;
const cards: unknown = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8"));
if (!Array.isArray(cards) || !cards.every(isCard)) throw new Error("no cards");
installIn(resolve(bundle, config.root.path), givenTo(config, cards));
