/** What is wrong with a stack file, and where. */

/** Where something stands; lines and columns count from 1. */
export type Place = Readonly<{ file: string; line: number; column: number }>;

/** One thing that is wrong, ready for people and for `--json`. Never holds a variable's value. */
export type Problem = Place &
  Readonly<{
    /** `services.ollama.imge`; empty for the file itself. */
    path: string;
    message: string;
    /** The key or name that was probably meant. */
    suggestion?: string;
    /** The line as it stands in the file. */
    excerpt?: string;
  }>;

/** One or more steps into a document. */
export type Path = readonly (string | number)[];

/** Writes a path as people read it: `services.ollama.ports[0]`. */
export function formatPath(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    return text === "" ? step : `${text}.${step}`;
  }, "");
}

/** Writes a problem as place, path, message, and the line with a caret below what is meant. */
export function formatProblem(problem: Problem): string {
  const { file, line, column, path, message, suggestion, excerpt } = problem;
  const hint = suggestion === undefined ? "" : ` Did you mean \`${suggestion}\`?`;
  const head = `${file}:${line}:${column}  ${path === "" ? "" : `${path}: `}${message}${hint}`;
  if (excerpt === undefined) return head;
  const gutter = `  ${line} | `;
  const caret = `${" ".repeat(gutter.length - 2)}| ${" ".repeat(column - 1)}^`;
  return `${head}\n${gutter}${excerpt}\n${caret}`;
}
