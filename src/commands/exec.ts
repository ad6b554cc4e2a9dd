import { Args, Flags } from "@oclif/core";
import { runningContainer, selectServices, servicesOf } from "../apply/selection.ts";
import { LookingCommand, lookFlags } from "../looking-command.ts";
import { attach, type Attached } from "../terminal/attach.ts";
import { separateCommand, valuedFlags } from "../terminal/exec-words.ts";

/** What `nexus exec --json` prints once the command has ended. */
export type Executed = Readonly<{
  service: string;
  container: string;
  command: readonly string[];
}> &
  Attached;

export default class Exec extends LookingCommand {
  static override summary = "Run a command in a service's container.";
  static override description =
    "Runs in the newest container that runs, or in the gateway. On a terminal, the command gets it (switch that off with -T). Exits as the command does. Flags of Nexus go before the service; all that follows it is the command.";
  static override examples = [
    "<%= config.bin %> exec ollama ollama list",
    "<%= config.bin %> exec ollama sh",
    "<%= config.bin %> exec -T --user 0 ocr cat /etc/os-release",
  ];
  static override strict = false;
  static override args = {
    service: Args.string({
      ignoreStdin: true,
      required: true,
      description: "Service to run it in, or `gateway`.",
    }),
    command: Args.string({
      ignoreStdin: true,
      required: true,
      description: "The command and its arguments.",
    }),
  };
  static override flags = {
    ...lookFlags,
    "no-tty": Flags.boolean({ char: "T", description: "Do not give the command a terminal." }),
    user: Flags.string({ char: "u", description: "User, or uid:gid, to run it as." }),
    workdir: Flags.string({ char: "w", description: "Folder to run it in." }),
    env: Flags.string({
      char: "e",
      description: "NAME=value for its environment; can be given more than once.",
      multiple: true,
    }),
  };

  protected override async init(): Promise<void> {
    this.argv = [...separateCommand(this.argv, valuedFlags({ ...Exec.baseFlags, ...Exec.flags }))];
    await super.init();
  }

  async run(): Promise<Executed> {
    const { flags, argv } = await this.parse(Exec);
    const [service = "", ...command] = argv.map(String);
    const { name } = await this.target(flags);
    const engine = await this.connect(flags);
    const { containers } = await engine.observe(name, []);
    selectServices([service], servicesOf(containers));
    const container = runningContainer(containers, service);
    const ended = await attach(engine, container.id, {
      command,
      ...flags,
      capture: this.jsonEnabled(),
    });
    this.leaveWith(ended.exitCode);
    return { service, container: container.name, command, ...ended };
  }
}
