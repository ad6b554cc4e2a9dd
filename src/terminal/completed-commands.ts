/** Turns oclif's list of commands into what shells complete. Pure. */
import type { CompletedCommand, CompletedFlag, Lookup } from "./completion.ts";

/** The part of oclif's list that matters. */
export type ListedCommand = Readonly<{
  id: string;
  hidden?: boolean | undefined;
  summary?: string | undefined;
  flags: Readonly<Record<string, ListedFlag>>;
  args: Readonly<Record<string, unknown>>;
}>;

type ListedFlag = Readonly<{
  name: string;
  type: "boolean" | "option";
  hidden?: boolean | undefined;
  allowNo?: boolean | undefined;
  summary?: string | undefined;
  description?: string | undefined;
  options?: readonly string[] | undefined;
}>;

/** Arguments and flags whose values can be looked up, by their names. */
const lookups: Readonly<Record<string, Lookup>> = {
  service: "services",
  stack: "stacks",
  template: "templates",
  file: "files",
  "key-file": "files",
};

/** Arguments that mean something only in one command. */
const argumentsOf: Readonly<Record<string, Lookup>> = {
  "remove:service": "services",
  "add:service": "templates",
  catalog: "templates",
};

/** Every command that is shown to people. */
export function completedCommands(commands: readonly ListedCommand[]): readonly CompletedCommand[] {
  return commands.filter(({ hidden }) => hidden !== true).map(completed);
}

function completed({ id, summary = "", flags, args }: ListedCommand): CompletedCommand {
  const [first = ""] = Object.keys(args);
  const argument = argumentsOf[id] ?? (first === "service" ? lookups[first] : undefined);
  return {
    words: id.replaceAll(":", " "),
    description: plain(summary),
    flags: Object.values(flags).flatMap(completedFlag),
    ...(argument === undefined ? {} : { argument }),
  };
}

function completedFlag(flag: ListedFlag): readonly CompletedFlag[] {
  const { name, type, hidden, allowNo, options } = flag;
  if (hidden === true) return [];
  const description = plain(flag.summary ?? flag.description ?? "");
  if (type === "option") return [{ name, description, values: options ?? lookups[name] ?? "any" }];
  return allowNo === true
    ? [
        { name, description },
        { name: `no-${name}`, description },
      ]
    : [{ name, description }];
}

function plain(text: string): string {
  return text.replaceAll("`", "").replaceAll(/\s+/g, " ").replace(/\.$/, "");
}
