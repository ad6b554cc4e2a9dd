import { exitOfChecks, type Diagnosis } from "../apply/doctor/check.ts";
import { examine } from "../apply/doctor/doctor.ts";
import { NexusCommand } from "../nexus-command.ts";
import { formatDiagnosis } from "../terminal/diagnosis.ts";
import { themeOf } from "../terminal/theme.ts";

export default class Doctor extends NexusCommand {
  static override summary = "Check machine, engine and stack, and say how to mend what is wrong.";
  static override description =
    "Changes nothing. Exits 0 when nothing has to be mended, else with the code of the gravest failure: 3 engine, 2 stack file, 5 locked, 6 conflict, 7 resources, 8 image, 4 a service that is not ready.";
  static override examples = [
    "<%= config.bin %> doctor",
    "<%= config.bin %> doctor --context desktop-linux --json",
  ];

  /** The warnings of the stack file are findings here. */
  protected override note(): void {}

  async run(): Promise<Diagnosis> {
    const { flags } = await this.parse(Doctor);
    const diagnosis = await examine({
      connect: () => this.connect(flags),
      loadStack: () => this.loadStack(flags),
    });
    this.show(formatDiagnosis(diagnosis, await themeOf(process.stdout)));
    this.leaveWith(exitOfChecks(diagnosis.checks));
    return diagnosis;
  }
}
