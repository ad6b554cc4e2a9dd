/** Completion scripts for shells, generated from the list of commands. Pure. */

/** A kind of word that is looked up when it is needed. */
export type Lookup = "services" | "templates" | "stacks" | "files";

/** A flag as shells complete it. */
export type CompletedFlag = Readonly<{
  name: string;
  description: string;
  /** Undefined for a flag without a value; then its values, or where to look them up. */
  values?: readonly string[] | Lookup | "any";
}>;

/** A command as shells complete it; `words` is what is typed after `nexus`. */
export type CompletedCommand = Readonly<{
  words: string;
  description: string;
  flags: readonly CompletedFlag[];
  argument?: Lookup;
}>;

/** A shell that completion can be made for. */
export type Shell = "bash" | "zsh" | "fish";

/** The script for a shell; sourcing it switches completion on. */
export function completionScript(shell: Shell, commands: readonly CompletedCommand[]): string {
  const longestFirst = commands.toSorted(
    (a, b) => b.words.length - a.words.length || a.words.localeCompare(b.words),
  );
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](longestFirst);
}

function firstWords(commands: readonly CompletedCommand[]): readonly string[] {
  return [...new Set(commands.map(({ words }) => words.split(" ")[0] ?? ""))].toSorted();
}

/** Topics such as `keys`, with the words that may follow. */
function topics(
  commands: readonly CompletedCommand[],
): ReadonlyMap<string, readonly CompletedCommand[]> {
  const followed = commands.filter(({ words }) => words.includes(" "));
  return Map.groupBy(followed, ({ words }) => words.split(" ")[0] ?? "");
}

function secondWord({ words }: CompletedCommand): string {
  return words.split(" ")[1] ?? "";
}

function lookup(kind: string): string {
  return `$(nexus completion --values ${kind} 2>/dev/null)`;
}

function bashScript(commands: readonly CompletedCommand[]): string {
  return `# nexus completion for bash: source <(nexus completion bash)
_nexus() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" line="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) line="$line$word " ;; esac
  done
  COMPREPLY=()
  case "$line" in
${commands.map(bashCommand).join("\n")}
${[...topics(commands)].map(([topic, members]) => `    "${topic} "*) COMPREPLY=($(compgen -W "${members.map(secondWord).join(" ")}" -- "$cur")) ;;`).join("\n")}
    *) COMPREPLY=($(compgen -W "${firstWords(commands).join(" ")} help" -- "$cur")) ;;
  esac
}
complete -F _nexus nexus
`;
}

function bashCommand({ words, flags, argument }: CompletedCommand): string {
  const valued = flags.filter(({ values }) => values !== undefined);
  const names = flags.map(({ name }) => `--${name}`).join(" ");
  const cases = valued.map(
    ({ name, values = "any" }) => `        --${name}) ${bashValues(values)}; return ;;`,
  );
  const word = argument === undefined ? ":" : bashValues(argument);
  return `    "${words} "*)
      case "$prev" in
${cases.join("\n")}
      esac
      if [[ "$cur" == -* ]]; then COMPREPLY=($(compgen -W "${names}" -- "$cur")); else ${word}; fi ;;`;
}

function bashValues(values: NonNullable<CompletedFlag["values"]>): string {
  if (values === "any") return ":";
  if (values === "files") return 'COMPREPLY=($(compgen -f -- "$cur"))';
  const words = typeof values === "string" ? lookup(values) : values.join(" ");
  return `COMPREPLY=($(compgen -W "${words}" -- "$cur"))`;
}

function zshScript(commands: readonly CompletedCommand[]): string {
  return `#compdef nexus
# nexus completion for zsh: source <(nexus completion zsh)
_nexus() {
  local cur="\${words[CURRENT]}" prev="\${words[CURRENT-1]}" line="" word
  local -a found
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$word" in -*) ;; *) line="$line$word " ;; esac
  done
  case "$line" in
${commands.map(zshCommand).join("\n")}
${[...topics(commands)].map(([topic, members]) => `    ("${topic} "*) found=(${members.map((each) => zshPair(secondWord(each), each.description)).join(" ")}) ;;`).join("\n")}
    (*) found=(${firstWords(commands)
      .map((word) => zshPair(word, describeFirst(commands, word)))
      .join(" ")}) ;;
  esac
  _describe 'nexus' found
}
compdef _nexus nexus
`;
}

function describeFirst(commands: readonly CompletedCommand[], word: string): string {
  return commands.find(({ words }) => words === word)?.description ?? "";
}

function zshCommand({ words, flags, argument }: CompletedCommand): string {
  const valued = flags.filter(({ values }) => values !== undefined);
  const cases = valued.map(
    ({ name, values = "any" }) => `        (--${name}) ${zshValues(values)} ;;`,
  );
  const names = flags.map(({ name, description }) => zshPair(`--${name}`, description)).join(" ");
  const word = argument === undefined ? ":" : `found=(\${=:-${lookup(argument)}})`;
  return `    ("${words} "*)
      case "$prev" in
${cases.join("\n")}
      esac
      if [[ "$cur" == -* ]]; then found=(${names}); else ${word}; fi ;;`;
}

function zshValues(values: NonNullable<CompletedFlag["values"]>): string {
  if (values === "any") return "return";
  if (values === "files") return "_files; return";
  const words = typeof values === "string" ? `\${=:-${lookup(values)}}` : values.join(" ");
  return `found=(${words}); _describe 'value' found; return`;
}

function zshPair(word: string, description: string): string {
  return `'${word.replaceAll(":", "\\:")}:${description.replaceAll("'", "'\\''")}'`;
}

function fishScript(commands: readonly CompletedCommand[]): string {
  return `# nexus completion for fish: nexus completion fish | source
function __nexus_at
  set -l line
  for word in (commandline -opc)[2..-1]
    string match -q -- '-*' $word; or set -a line $word
  end
  test (count $argv) -eq (math min (count $argv),(count $line)); and test "$line[1..(count $argv)]" = "$argv"
end
function __nexus_nowhere
  for word in (commandline -opc)[2..-1]
    string match -q -- '-*' $word; or return 1
  end
end
function __nexus_topic
  set -l line
  for word in (commandline -opc)[2..-1]
    string match -q -- '-*' $word; or set -a line $word
  end
  test "$line" = "$argv"
end
complete -c nexus -f
${firstWords(commands)
  .map(
    (word) =>
      `complete -c nexus -n __nexus_nowhere -a ${word} -d ${fishText(describeFirst(commands, word))}`,
  )
  .join("\n")}
${[...topics(commands)].flatMap(([topic, members]) => members.map((each) => `complete -c nexus -n '__nexus_topic ${topic}' -a ${secondWord(each)} -d ${fishText(each.description)}`)).join("\n")}
${commands.flatMap(fishCommand).join("\n")}
`;
}

function fishCommand({ words, flags, argument }: CompletedCommand): readonly string[] {
  const at = `complete -c nexus -n '__nexus_at ${words}'`;
  const names = flags.map(
    ({ name, description, values }) =>
      `${at} -l ${name} -d ${fishText(description)}${values === undefined ? "" : fishValues(values)}`,
  );
  return argument === undefined
    ? names
    : [...names, `${at} -a '(nexus completion --values ${argument} 2>/dev/null)'`];
}

function fishValues(values: NonNullable<CompletedFlag["values"]>): string {
  if (values === "any") return " -x";
  if (values === "files") return " -r -F";
  return ` -x -a '${typeof values === "string" ? `(nexus completion --values ${values} 2>/dev/null)` : values.join(" ")}'`;
}

function fishText(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
