import { Args } from "@oclif/core";
import { withGateway } from "../../apply/gateway-access.ts";
import { type Release, releaseGpu } from "../../apply/release-gpu.ts";
import { NexusCommand } from "../../nexus-command.ts";
import { formatRelease } from "../../terminal/gpus.ts";

export default class GpuRelease extends NexusCommand {
  static override summary = "Free the GPU memory of a running service.";
  static override description =
    "Asks its software to unload its models; the service goes on running and loads them again with the next request.";
  static override examples = ["<%= config.bin %> gpu release ollama"];
  static override args = {
    service: Args.string({ ignoreStdin: true, required: true, description: "The service." }),
  };

  async run(): Promise<Release> {
    const { args, flags } = await this.parse(GpuRelease);
    const { stack } = await this.loadStack(flags);
    const engine = await this.connect(flags);
    const release = await withGateway(engine, stack.name, (link) =>
      releaseGpu({ engine, link, stack }, args.service),
    );
    this.log(formatRelease(release));
    return release;
  }
}
