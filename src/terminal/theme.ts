/** Colours, and whether a stream wants them. The only file that knows chalk. */

/** Wraps text in the escape codes of one style, or leaves it alone. */
export type Paint = (text: string) => string;

/** What each colour means. */
export type Theme = Readonly<{
  good: Paint;
  bad: Paint;
  warn: Paint;
  accent: Paint;
  dim: Paint;
  strong: Paint;
  /** Colours that tell services apart, to be used in turn. */
  hues: readonly Paint[];
}>;

/** What a theme needs to know of the stream it is for. */
export type ColourStream = Readonly<{ isTTY?: boolean | undefined; getColorDepth?: () => number }>;

type Environment = Readonly<Record<string, string | undefined>>;

const asIs: Paint = (text) => text;

/** Leaves every text as it is. */
export const plainTheme: Theme = {
  good: asIs,
  bad: asIs,
  warn: asIs,
  accent: asIs,
  dim: asIs,
  strong: asIs,
  hues: [asIs],
};

/** How many colours the stream takes: 0 none, 1 sixteen, 2 256, 3 all. NO_COLOR and FORCE_COLOR decide first. */
export function colourLevel(stream: ColourStream, environment: Environment): 0 | 1 | 2 | 3 {
  if (environment["NO_COLOR"]) return 0;
  const forced = environment["FORCE_COLOR"];
  if (forced !== undefined) return forcedLevel(forced);
  if (stream.isTTY !== true || environment["TERM"] === "dumb") return 0;
  const depth = stream.getColorDepth?.() ?? 4;
  if (depth >= 24) return 3;
  if (depth >= 8) return 2;
  return depth >= 4 ? 1 : 0;
}

function forcedLevel(forced: string): 0 | 1 | 2 | 3 {
  if (forced === "0" || forced === "false") return 0;
  if (forced === "2") return 2;
  return forced === "3" ? 3 : 1;
}

/** The theme for a stream; chalk is loaded only when the stream takes colours. */
export async function themeOf(
  stream: ColourStream,
  environment: Environment = process.env,
): Promise<Theme> {
  const level = colourLevel(stream, environment);
  if (level === 0) return plainTheme;
  const { Chalk } = await import("chalk");
  const chalk = new Chalk({ level });
  /** Chalk joins all its arguments, so that `map(chalk.dim)` would print indexes too. */
  const paint =
    (style: Paint): Paint =>
    (text) =>
      style(text);
  return {
    good: paint(chalk.green),
    bad: paint(chalk.red),
    warn: paint(chalk.yellow),
    accent: paint(chalk.cyan),
    dim: paint(chalk.dim),
    strong: paint(chalk.bold),
    hues: [chalk.cyan, chalk.yellow, chalk.green, chalk.magenta, chalk.blue, chalk.cyanBright].map(
      (hue) => paint(hue),
    ),
  };
}
