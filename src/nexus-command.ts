/** The base of every command: shared flags, the engine, the stack, and failures turned into advice. */
import { Command, Errors, Flags } from "@oclif/core";
import type { Machine } from "./catalog/machine.ts";
import type { Engine, EngineDescription, Gpu } from "./engine/engine.ts";
import { exitCodes, NexusError } from "./errors.ts";
import { explainFile } from "./file-refused.ts";
import { fold } from "./terminal/fold.ts";
import { printable } from "./terminal/width.ts";
import type { LoadedStack } from "./stack/load.ts";
import type { TypedCommand } from "./terminal/usage.ts";

/** The flags that every command has. */
export type SharedFlags = Readonly<{
  file?: string | undefined;
  context?: string | undefined;
  profile?: readonly string[] | undefined;
}>;

/** One failure as `--json` prints it. */
export type FailureDocument = Readonly<{
  error: Readonly<{
    class: string;
    code: string;
    message: string;
    remedy?: string;
    exit: number;
    details?: unknown;
  }>;
}>;

export abstract class NexusCommand extends Command {
  static override enableJsonFlag = true;
  static override baseFlags = {
    file: Flags.string({
      char: "f",
      description: "Stack file; by default nexus.yaml here or in a parent folder.",
      helpGroup: "GLOBAL",
      env: "NEXUS_FILE",
    }),
    context: Flags.string({
      description: "Docker context of the engine to use.",
      helpGroup: "GLOBAL",
    }),
    profile: Flags.string({
      description: "Also take the services of this profile; can be given more than once.",
      multiple: true,
      delimiter: ",",
      helpGroup: "GLOBAL",
      env: "COMPOSE_PROFILES",
    }),
  };

  #engine: Promise<Engine> | undefined;

  /** Connects to the engine once; the Docker client is loaded only by commands that ask for it. */
  protected async connect(flags: SharedFlags): Promise<Engine> {
    this.#engine ??= import("./engine/connect.ts").then(({ connectEngine }) =>
      connectEngine({
        environment: process.env,
        onWarning: (warning) => this.note(`Warning: ${warning}`),
        ...(flags.context === undefined ? {} : { context: flags.context }),
      }),
    );
    return this.#engine;
  }

  /** Loads the stack file that the flags name, for the engine's hardware, and passes its warnings on to stderr. */
  protected async loadStack(
    flags: SharedFlags,
    machine: (need: Readonly<{ facts: boolean }>) => Promise<Machine> = (need) =>
      this.#machine(flags, need),
  ): Promise<LoadedStack> {
    const { loadStack } = await import("./stack/load.ts");
    const loaded = await loadStack({
      cwd: process.cwd(),
      environment: process.env,
      profiles: flags.profile ?? [],
      machine,
      ...(flags.file === undefined ? {} : { file: flags.file }),
    });
    for (const warning of loaded.warnings) this.note(`Warning: ${warning}`);
    return loaded;
  }

  /** What templates are chosen for. Whoever needs an engine meets its failure later; a stack can be read without. */
  async #machine(flags: SharedFlags, need: Readonly<{ facts: boolean }>): Promise<Machine> {
    return (await this.knownMachine(flags, need)) ?? assumedMachine();
  }

  /** The machine that containers run on, with the facts of its GPUs where they matter; undefined where no engine can be asked. */
  protected async knownMachine(
    flags: SharedFlags,
    { facts }: Readonly<{ facts: boolean }> = { facts: true },
  ): Promise<Machine | undefined> {
    try {
      const engine = await this.connect(flags);
      const description = await engine.describe();
      if (!facts || description.gpuKinds.length === 0) return machineOf(description);
      const { recallGpus } = await import("./apply/find-gpus.ts");
      return machineOf(description, await recallGpus(engine, description));
    } catch (error) {
      if (error instanceof NexusError) return undefined;
      throw error;
    }
  }

  /** Says something to the person, never to a program: always stderr. */
  protected note(text: string): void {
    process.stderr.write(`${fold(text, process.stderr.columns)}\n`);
  }

  /** Prints prose and tables on stdout; a line too long for the terminal goes on where its last column starts. */
  protected show(text: string): void {
    this.log(fold(text, process.stdout.columns));
  }

  /** Ends with this code once everything is printed. */
  protected leaveWith(code: number): void {
    process.exitCode = code;
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    const engine = await this.#engine?.catch(() => undefined);
    engine?.close();
    await super.finally(error);
  }

  protected override async catch(told: Error & { exitCode?: number }): Promise<unknown> {
    const known = Object.keys({ ...this.ctor.baseFlags, ...this.ctor.flags });
    const thrown = explainFile(told instanceof Told ? told.failure : told);
    const error = await explainUsage(thrown, { id: this.id ?? "", flags: known });
    if (this.jsonEnabled()) {
      this.logJson(failureDocument(error));
      this.leaveWith(exitOf(error));
      return undefined;
    }
    if (error instanceof NexusError) throw asAdvice(error);
    if (error instanceof Errors.CLIError)
      throw Object.assign(error, { oclif: { exit: exitOf(error) } });
    throw asBug(error);
  }
}

/**
 * The machine that an engine's containers run on: with the GPUs that were found in a container, or, where nobody
 * asked, with the makers that the engine is set up for.
 */
export function machineOf(
  {
    architecture,
    gpuKinds,
    cdiDevices,
  }: Pick<EngineDescription, "architecture" | "gpuKinds" | "cdiDevices">,
  found?: readonly Gpu[],
): Machine {
  if (found) return { architecture, gpus: found };
  const has = (kind: "nvidia" | "amd") =>
    gpuKinds.includes(kind) || cdiDevices.some((id) => id.startsWith(`${kind}.com/gpu=`));
  const vendors = (["nvidia", "amd"] as const).filter(has);
  const names = { nvidia: "NVIDIA GPU", amd: "AMD GPU" };
  return {
    architecture,
    gpus: vendors.map((vendor) => ({ id: vendor, vendor, name: names[vendor] })),
  };
}

/** What is assumed where no engine can be asked: this machine's processor as images name it, and no GPU. */
export function assumedMachine(): Machine {
  return { architecture: process.arch === "x64" ? "amd64" : process.arch, gpus: [] };
}

/** The failure as one JSON document, for programs. */
export function failureDocument(error: Error): FailureDocument {
  const exit = exitOf(error);
  if (error instanceof NexusError) {
    const { code, message, remedy, details } = error;
    return { error: { class: error.constructor.name, code, message, remedy, exit, details } };
  }
  const code = error instanceof Errors.CLIError ? "NEXUS_USAGE" : "NEXUS_BUG";
  return { error: { class: error.constructor.name, code, message: error.message, exit } };
}

async function explainUsage(error: Error, command: TypedCommand): Promise<Error> {
  if (!(error instanceof Errors.CLIError) || error instanceof Errors.ExitError) return error;
  const { usageProblem } = await import("./terminal/usage.ts");
  return usageProblem(error, command);
}

function exitOf(error: Error): number {
  if (error instanceof NexusError) return error.exitCode;
  return error instanceof Errors.CLIError ? exitCodes.usage : exitCodes.bug;
}

/** Oclif puts marks and labels before what is told, and breaks what is wider still without regard for words. */
function toldWidth(): number {
  const labels = 20;
  return Math.max(40, (process.stderr.columns ?? 80) - labels);
}

/** A failure as people are told of it; a command that ran another one inside itself still knows what failed. */
class Told extends Errors.CLIError {
  readonly failure: Error;

  constructor(
    failure: Error,
    told: Readonly<{ message: string; code: string; remedy: string; exit: number }>,
  ) {
    const { code, exit } = told;
    const [message, remedy] = [told.message, told.remedy].map((text) =>
      fold(printable(text), toldWidth()),
    );
    super(message ?? "", { code, suggestions: [remedy ?? ""], exit });
    this.failure = failure;
  }
}

function asAdvice(failure: NexusError): Told {
  const { message, code, remedy, exitCode: exit } = failure;
  return new Told(failure, { message, code, remedy, exit });
}

function asBug(error: Error): Told {
  if (process.env["NEXUS_DEBUG"]) process.stderr.write(`${error.stack ?? error.message}\n`);
  return new Told(error, {
    message: `This is a bug in Nexus: ${error.message}`,
    code: "NEXUS_BUG",
    remedy: "Run it again with NEXUS_DEBUG=1 and report what it prints.",
    exit: exitCodes.bug,
  });
}
