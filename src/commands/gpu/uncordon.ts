import { Args } from "@oclif/core";
import { uncordonGpu } from "../../apply/gpu-inventory.ts";
import { NexusCommand } from "../../nexus-command.ts";

export default class GpuUncordon extends NexusCommand {
  static override summary = "Give a cordoned GPU to services again.";
  static override description = "The next `nexus up` of a stack may use it.";
  static override examples = ["<%= config.bin %> gpu uncordon GPU-8f2c"];
  static override args = {
    gpu: Args.string({
      ignoreStdin: true,
      required: true,
      description: "Its id, or a beginning that no other cordoned one has.",
    }),
  };

  async run(): Promise<Readonly<{ gpu: string }>> {
    const { args, flags } = await this.parse(GpuUncordon);
    const gpu = await uncordonGpu(await this.connect(flags), args.gpu);
    this.log(`${gpu} can be given to services again.`);
    return { gpu };
  }
}
