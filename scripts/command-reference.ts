/** The command reference, as Markdown, from the manifest that the build writes. Pure. */

type Flag = Readonly<{
  name: string;
  char?: string;
  type: string;
  description?: string;
  options?: readonly string[];
  default?: unknown;
  multiple?: boolean;
  hidden?: boolean;
  helpGroup?: string;
}>;
type Command = Readonly<{
  id: string;
  summary?: string;
  description?: string;
  examples?: readonly (string | Readonly<{ description?: string; command: string }>)[];
  args: Readonly<
    Record<string, Readonly<{ name: string; description?: string; required?: boolean }>>
  >;
  flags: Readonly<Record<string, Flag>>;
  hidden?: boolean;
  strict?: boolean;
}>;

/** What the build leaves of every command. */
export type Manifest = Readonly<{ commands: Readonly<Record<string, Command>> }>;

/** One page: the flags that all commands share, then every command. */
export function commandReference({ commands }: Manifest): string {
  const visible = Object.values(commands)
    .filter(({ hidden }) => hidden !== true)
    .toSorted((a, b) => a.id.localeCompare(b.id));
  const shared = Object.values(visible[0]?.flags ?? {}).filter(isShared);
  return [
    "# Commands",
    "Generated from the commands themselves by `npm run docs`. Every command also takes:",
    flagTable(shared),
    ...visible.map(section),
    "",
  ]
    .join("\n\n")
    .replace(/\n{3,}/g, "\n\n");
}

const isShared = ({ helpGroup }: Flag) => helpGroup === "GLOBAL";

function section(command: Command): string {
  const { summary, description, examples = [] } = command;
  const own = Object.values(command.flags).filter(
    (flag) => !isShared(flag) && flag.hidden !== true,
  );
  const args = Object.values(command.args).map(
    (arg) => `- \`${arg.name}\`: ${arg.description ?? ""}`,
  );
  return [
    `## \`nexus ${words(command)}\``,
    summary ?? "",
    description ?? "",
    args.join("\n"),
    own.length > 0 ? flagTable(own) : "",
    examples.length > 0 ? `\`\`\`sh\n${examples.map(exampleText).join("\n")}\n\`\`\`` : "",
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function words({ id, args, strict }: Command): string {
  const places = Object.values(args).map(({ name, required }) => {
    const word = strict === false ? `${name}…` : name;
    return required ? `<${word}>` : `[${word}]`;
  });
  return [id.replaceAll(":", " "), ...places].join(" ");
}

function exampleText(
  example: string | Readonly<{ description?: string; command: string }>,
): string {
  const text =
    typeof example === "string"
      ? example
      : `${example.description ? `# ${example.description}\n` : ""}${example.command}`;
  return text.replaceAll("<%= config.bin %>", "nexus").replaceAll("<%= command.id %>", "");
}

function flagTable(flags: readonly Flag[]): string {
  const rows = flags.map((flag) => `| ${flagName(flag)} | ${cell(flag)} |`);
  return ["| flag | meaning |", "| --- | --- |", ...rows].join("\n");
}

function flagName({ char, name, type, options }: Flag): string {
  const value = type === "option" ? ` ${options ? options.join("\\|") : "VALUE"}` : "";
  return `\`${char ? `-${char}, ` : ""}--${name}${value.replaceAll("\\|", "|")}\``.replaceAll(
    "|",
    "\\|",
  );
}

function cell({ description = "", default: byDefault, multiple }: Flag): string {
  const notes = [
    typeof byDefault === "string" || typeof byDefault === "number"
      ? `default \`${byDefault}\``
      : "",
    multiple ? "can be given more than once" : "",
  ].filter((note) => note !== "" && !description.includes(note));
  return `${description}${notes.length > 0 ? ` (${notes.join("; ")})` : ""}`.replaceAll("|", "\\|");
}
