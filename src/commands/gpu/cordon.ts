import { Args, Flags } from "@oclif/core";
import { cordonGpu, type GpuEntry } from "../../apply/gpu-inventory.ts";
import { NexusCommand } from "../../nexus-command.ts";

export default class GpuCordon extends NexusCommand {
  static override summary = "Keep a GPU from services.";
  static override description =
    "No stack on the engine is given it any more, until `nexus gpu uncordon`. A service that has it keeps it until it is replaced; `nexus plan` says so.";
  static override examples = [
    '<%= config.bin %> gpu cordon GPU-8f2c --reason "runs hot"',
    "<%= config.bin %> gpu cordon /dev/dri/renderD128",
  ];
  static override args = {
    gpu: Args.string({
      ignoreStdin: true,
      required: true,
      description: "Its id as `nexus gpu ls` shows it, or a beginning that no other has.",
    }),
  };
  static override flags = {
    reason: Flags.string({ description: "Why, for whoever meets it.", default: "" }),
  };

  async run(): Promise<Readonly<{ gpu: GpuEntry }>> {
    const { args, flags } = await this.parse(GpuCordon);
    const gpu = await cordonGpu(await this.connect(flags), args.gpu, flags.reason);
    const holders = gpu.holders.map(({ service }) => service).join(", ");
    this.log(`No service is given ${gpu.name} ${gpu.id} any more.`);
    if (holders !== "") this.note(`${holders} stays on it until replaced.`);
    return { gpu };
  }
}
