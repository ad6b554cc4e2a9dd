/** YAML in colour. Pure. */
import type { Theme } from "./theme.ts";

/** Keys stand out, comments stand back. Takes what Nexus prints itself, not any YAML. */
export function paintYaml(yaml: string, theme: Theme): string {
  return yaml
    .split("\n")
    .map((line) => {
      const at = /(?:^|\s)#\s/.exec(line)?.index ?? line.length;
      const body = line
        .slice(0, at)
        .replace(
          /^(\s*(?:- )?)([^\s:#"']+):/,
          (_, lead: string, key: string) => `${lead}${theme.accent(key)}:`,
        );
      return at === line.length ? body : `${body}${theme.dim(line.slice(at))}`;
    })
    .join("\n");
}
