/**
 * What a migration has begun and done, one line a state, on the disk before the next thing is begun. A line that a
 * crash tore is no line: what it would have said was not said, and the step finds out for itself.
 */
import { z } from "zod";
import type { Disk } from "./disk.ts";
import { JournalUnreadableError } from "./errors.ts";

const fileTrace = z.strictObject({
  /** Absolute. */
  path: z.string(),
  sha256: z.string(),
});

const contentsSchema = z.strictObject({
  tables: z.record(z.string(), z.strictObject({ rows: z.int(), checksum: z.string() })),
  embeddings: z.record(z.string(), z.int()).exactOptional(),
});

/** Text at the end of a file that was there before. */
const appendedTrace = z.strictObject({
  /** Absolute. */
  path: z.string(),
  /** Digest of the file before, and its bytes. */
  sha256: z.string(),
  bytes: z.int(),
  text: z.string(),
});

/** What a step is about to make (`begun`), or has made (`done`); what is absent, it does not make. */
const tracesSchema = z
  .strictObject({
    files: z.array(fileTrace).exactOptional(),
    appended: appendedTrace.exactOptional(),
    /** Folders that were not there, outermost first. */
    folders: z.array(z.string()).exactOptional(),
    /** Volumes of the engine. */
    volumes: z.array(z.string()).exactOptional(),
    /** Names of keys or users of the gateway. */
    names: z.array(z.string()).exactOptional(),
    /** What was in a database when it was staged. */
    contents: contentsSchema.exactOptional(),
    /** What lay below `.nexus` before the stack came up, relative to it. */
    before: z.array(z.string()).exactOptional(),
    /** The unit ran when it was to be stopped. */
    ran: z.boolean().exactOptional(),
  })
  .readonly();

const lineSchema = z.discriminatedUnion("state", [
  z.strictObject({
    state: z.literal("opened"),
    at: z.iso.datetime(),
    /** Of `plan.json`. */
    plan: z.string(),
    stack: z.string(),
  }),
  z.strictObject({
    state: z.literal("begun"),
    at: z.iso.datetime(),
    step: z.string(),
    traces: tracesSchema,
  }),
  /** A part of a step that need not be done again. */
  z.strictObject({
    state: z.literal("part"),
    at: z.iso.datetime(),
    step: z.string(),
    part: z.string(),
  }),
  z.strictObject({
    state: z.literal("done"),
    at: z.iso.datetime(),
    step: z.string(),
    traces: tracesSchema,
  }),
  z.strictObject({
    state: z.literal("verified"),
    at: z.iso.datetime(),
    passed: z.boolean(),
    failed: z.array(z.string()),
  }),
  z.strictObject({ state: z.literal("finished"), at: z.iso.datetime() }),
  z.strictObject({ state: z.literal("rolling-back"), at: z.iso.datetime() }),
  z.strictObject({ state: z.literal("undone"), at: z.iso.datetime(), step: z.string() }),
]);

/** What a step leaves behind. */
export type Traces = z.infer<typeof tracesSchema>;

/** A file and the digest of its content. */
export type FileTrace = Readonly<z.infer<typeof fileTrace>>;

/** What was added to a file, and what the file was before. */
export type AppendedTrace = Readonly<z.infer<typeof appendedTrace>>;

/** One line. */
export type JournalLine = Readonly<z.infer<typeof lineSchema>>;

/** A line before it has its time. */
export type JournalNote = JournalLine extends infer Line
  ? Line extends JournalLine
    ? Omit<Line, "at">
    : never
  : never;

/** A journal on the disk. */
export class Journal {
  readonly #path: string;
  readonly #disk: Disk;
  readonly #lines: JournalLine[];

  private constructor(path: string, disk: Disk, lines: JournalLine[]) {
    this.#path = path;
    this.#disk = disk;
    this.#lines = lines;
  }

  /** Reads what is there, and changes nothing. Throws JournalUnreadableError when a line in the middle is no line. */
  static async look(path: string, disk: Disk): Promise<Journal> {
    const { lines } = readLines(path, (await disk.read(path)) ?? Buffer.alloc(0));
    return new Journal(path, disk, lines);
  }

  /** The same, to be written on: a torn last line is taken away. */
  static async open(path: string, disk: Disk): Promise<Journal> {
    const bytes = (await disk.read(path)) ?? Buffer.alloc(0);
    const { lines, length } = readLines(path, bytes);
    if (length < bytes.length) await disk.cut(path, length);
    return new Journal(path, disk, lines);
  }

  get lines(): readonly JournalLine[] {
    return this.#lines;
  }

  /** Adds a line; it is on the disk when this resolves. */
  async note(note: JournalNote): Promise<void> {
    const line = { at: new Date().toISOString(), ...note } as JournalLine;
    await this.#disk.append(this.#path, `${JSON.stringify(line)}\n`);
    this.#lines.push(line);
  }

  /** What the first run that began a step found; undefined when none did. */
  begun(step: string): Traces | undefined {
    return this.#traces("begun", step);
  }

  /** What a step made; undefined while it is not done. */
  done(step: string): Traces | undefined {
    return this.#traces("done", step);
  }

  /** The first line counts: what a step found before it changed anything. */
  #traces(state: "begun" | "done", step: string): Traces | undefined {
    for (const line of this.#lines)
      if (line.state === state && line.step === step) return line.traces;
    return undefined;
  }

  /** The parts of a step that are done. */
  parts(step: string): ReadonlySet<string> {
    return new Set(
      this.#lines.flatMap((line) => (line.state === "part" && line.step === step ? line.part : [])),
    );
  }

  /** Whether a line of this state is there. */
  has(state: JournalLine["state"]): boolean {
    return this.#lines.some((line) => line.state === state);
  }
}

function readLines(
  path: string,
  bytes: Buffer,
): Readonly<{ lines: JournalLine[]; length: number }> {
  const length = bytes.lastIndexOf(0x0a) + 1;
  const texts = bytes.subarray(0, length).toString("utf8").split("\n").slice(0, -1);
  return { lines: texts.map((text, index) => readLine(path, text, index + 1)), length };
}

function readLine(path: string, text: string, number: number): JournalLine {
  try {
    return lineSchema.parse(JSON.parse(text));
  } catch {
    throw new JournalUnreadableError(path, number);
  }
}
