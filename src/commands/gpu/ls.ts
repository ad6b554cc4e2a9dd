import { type GpuInventory, readGpuInventory } from "../../apply/gpu-inventory.ts";
import { NexusCommand } from "../../nexus-command.ts";
import { formatGpus } from "../../terminal/gpus.ts";
import { themeOf } from "../../terminal/theme.ts";

export default class GpuLs extends NexusCommand {
  static override summary = "List the engine's GPUs, who holds them and what is left.";
  static override description =
    "Asks the driver in a short-lived container. Holders are the services of all stacks on the engine, with the memory that they declare; LEFT is what none of them does, and is empty where one declares nothing.";
  static override examples = ["<%= config.bin %> gpu ls", "<%= config.bin %> gpu ls --json"];

  async run(): Promise<GpuInventory> {
    const { flags } = await this.parse(GpuLs);
    const inventory = await readGpuInventory(await this.connect(flags));
    const theme = await themeOf(process.stdout);
    this.show(formatGpus(inventory, { theme, width: process.stdout.columns }));
    return inventory;
  }
}
