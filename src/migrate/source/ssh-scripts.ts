/** What is asked of a host over ssh: POSIX sh for Linux and macOS, that reads and writes nothing. Pure. */

/** How scripts end where what was asked for cannot be given. */
export const scriptEnds = {
  dangling: 65,
  absent: 66,
  otherKind: 68,
  tooBig: 69,
  noReader: 70,
  atRest: 71,
  noRight: 77,
  noProgram: 127,
} as const;

/** Between records: names may hold everything but this. */
export const recordMark = "\u0001nexus\u0001";

/** A word as sh reads it, whatever it holds. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** GNU and busybox have `-c`, BSD and macOS `-f`; links are followed unless said otherwise. */
const prelude = `
export LC_ALL=C COPYFILE_DISABLE=1
PATH="$PATH:/usr/sbin:/sbin:/usr/local/bin:/opt/homebrew/bin"
mark=$(printf '\\001nexus\\001')
if stat -L -c %s / >/dev/null 2>&1
then flag=-c every="$mark%F|%s|%n" bytes=%s
else flag=-f every="$mark%HT|%z|%N" bytes=%z
fi
root() { [ "$(id -u)" = 0 ]; }
locate() {
  [ -e "$1" ] && return
  if [ -L "$1" ]; then root && exit ${scriptEnds.dangling}; exit ${scriptEnds.noRight}; fi
  p=$1
  while [ -n "$p" ] && ! [ -e "$p" ]; do p=\${p%/*}; done
  [ -d "\${p:-/}" ] && ! [ -x "\${p:-/}" ] && exit ${scriptEnds.noRight}
  exit ${scriptEnds.absent}
}
folder() {
  locate "$1"
  [ -d "$1" ] || exit ${scriptEnds.otherKind}
  [ -r "$1" ] && [ -x "$1" ] || exit ${scriptEnds.noRight}
}
file() {
  locate "$1"
  [ -f "$1" ] || exit ${scriptEnds.otherKind}
  [ -r "$1" ] || exit ${scriptEnds.noRight}
}
`;

/** A whole script: it is read to its end before it does anything, and nothing in it reads the script itself. */
export function scriptOf(body: string): string {
  return `${prelude}\nmain() {\n${body}\n}\nmain </dev/null\n`;
}

/** Says who and what the host is: user id, kernel, name; each a line. */
export const introduce = scriptOf(`id -u; uname -s; hostname 2>/dev/null || uname -n`);

/** One record of a path. */
export const entryScript = (path: string) =>
  scriptOf(`locate ${quoted(path)}; stat -L $flag "$every" ${quoted(path)}`);

/** One record for everything in a folder; links that lead nowhere come as they are. */
export const listScript = (path: string) =>
  scriptOf(`folder ${quoted(path)}
find -L ${quoted(path)} -mindepth 1 -maxdepth 1 -type l -exec stat $flag "$every" {} +
find -L ${quoted(path)} -mindepth 1 -maxdepth 1 ! -type l -exec stat -L $flag "$every" {} +`);

/** The bytes of a file that is not bigger than this. */
export const readScript = (path: string, mostBytes: number) =>
  scriptOf(`file ${quoted(path)}
[ "$(stat -L $flag $bytes ${quoted(path)})" -le ${mostBytes} ] || exit ${scriptEnds.tooBig}
cat ${quoted(path)}`);

/** The bytes of a file, however many. */
export const streamScript = (path: string) => scriptOf(`file ${quoted(path)}\ncat ${quoted(path)}`);

/** `<files> <bytes>`. */
export const measureScript = (path: string) =>
  scriptOf(`locate ${quoted(path)}
find -L ${quoted(path)} -type f -exec stat -L $flag $bytes {} + 2>/dev/null |
  awk '{ n += 1; s += $1 } END { printf "%d %.0f\\n", n, s }'`);

/** The first path at or below one that this user may not read; nothing where all can be. */
export const shutScript = (path: string) =>
  scriptOf(`locate ${quoted(path)}
find -L ${quoted(path)} \\( -type f -o -type d \\) -exec sh -c '
  for f do
    [ -r "$f" ] || { printf %s "$f"; exit 1; }
    if [ -d "$f" ] && ! [ -x "$f" ]; then printf %s "$f"; exit 1; fi
  done' sh {} + 2>/dev/null || exit ${scriptEnds.noRight}`);

/** A tar of what a folder holds, links followed: files and folders only. */
export const tarScript = (path: string) =>
  scriptOf(`folder ${quoted(path)}
cd ${quoted(path)} || exit ${scriptEnds.noRight}
find -L . \\( -type f -o -type d \\) -print0 | tar --null --no-recursion -hcf - -T -`);

/** Runs a program; ends with noProgram where there is none. */
export const programScript = (command: readonly string[]) =>
  scriptOf(`command -v ${quoted(command[0] ?? "")} >/dev/null 2>&1 || exit ${scriptEnds.noProgram}
${command.map(quoted).join(" ")}`);

/** A program for Python, whose argument is a database: from 3.11 on it gives the database itself, before its SQL. Holds no apostrophe. */
export const databaseProgram = `
import os, sqlite3, sys, urllib.parse
path = os.fsencode(sys.argv[1])
with open(path, "rb") as file:
    head = file.read(100)
wal, shm = os.path.exists(path + b"-wal"), os.path.exists(path + b"-shm")
if wal and not shm:
    sys.exit(${scriptEnds.atRest})
how = "mode=ro&readonly_shm=1" if wal else "mode=ro" if len(head) > 18 and head[18] == 1 else "immutable=1"
source = sqlite3.connect("file:" + urllib.parse.quote(path) + "?" + how, uri=True, timeout=5, isolation_level=None)
source.execute("SELECT count(*) FROM sqlite_master").fetchall()
out = sys.stdout.buffer
copy = sqlite3.connect(":memory:")
source.backup(copy)
if hasattr(copy, "serialize"):
    out.write(copy.serialize())
else:
    for line in copy.iterdump():
        out.write((line + "\\n").encode())
out.flush()
`;

/**
 * A consistent copy of a SQLite database on stdout, or the SQL that makes one; nothing is written on the host. The old
 * gateway is Python, so its own will be there; a macOS without developer tools would offer to install them: it is not asked.
 */
export const databaseScript = (path: string) =>
  scriptOf(`file ${quoted(path)}
for py in /var/lib/gateway/env/bin/python3 python3; do
  found=$(command -v "$py") || continue
  if [ "$found" = /usr/bin/python3 ] && [ "$(uname -s)" = Darwin ]; then
    xcode-select -p >/dev/null 2>&1 || continue
  fi
  "$found" -I -B -c 'import sqlite3; sqlite3.Connection.backup' >/dev/null 2>&1 || continue
  exec "$found" -I -B -c ${quoted(databaseProgram)} ${quoted(path)}
done
command -v sqlite3 >/dev/null 2>&1 || exit ${scriptEnds.noReader}
if [ -e ${quoted(`${path}-wal`)} ]; then
  [ -e ${quoted(`${path}-shm`)} ] || exit ${scriptEnds.atRest}
  how='mode=ro&readonly_shm=1'
else
  how=immutable=1
fi
sqlite3 ${quoted(`file:${encodeURIComponent(path).replaceAll("%2F", "/")}?`)}"$how" .dump`);
