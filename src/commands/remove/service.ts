import { Args } from "@oclif/core";
import { type EditDocument, EditingCommand, editFlags } from "../../editing-command.ts";
import { readCatalog } from "../../catalog/catalog.ts";
import { companionsOf, servicesOf } from "../../stack/added-service.ts";
import { removeService } from "../../stack/edit.ts";
import type { Stack } from "../../stack/stack.ts";

export default class RemoveService extends EditingCommand {
  static override summary = "Take a service out of the stack file.";
  static override description =
    "Removes its entry and the comments right above it. Its volumes stay on the engine until `nexus down --volumes`. With a running stack, offers to stop it.";
  static override examples = [
    "<%= config.bin %> remove service ollama",
    "<%= config.bin %> remove service ocr --yes --no-up",
  ];
  static override args = {
    name: Args.string({
      ignoreStdin: true,
      required: true,
      description: "The service's name in the stack file.",
    }),
  };
  static override flags = editFlags;

  async run(): Promise<EditDocument> {
    const { args, flags } = await this.parse(RemoveService);
    const { stack } = await this.loadStack(flags);
    const edit = (text: string): string => removeService(text, args.name);
    const question = `Take ${args.name} out of the stack file? Its volumes stay.`;
    const companions = companionsOf(args.name, {
      catalog: await readCatalog(),
      services: servicesOf(stack),
    });
    const document = await this.edit(flags, { stack, service: args.name, edit, question });
    if (document.written) this.#noteWhatStays(stack, args.name, companions);
    return document;
  }

  #noteWhatStays({ services }: Stack, name: string, companions: readonly string[]): void {
    const service = services.find((each) => each.name === name);
    if (service?.kind === "container" && service.gatewayKey)
      this.note(`Its key of the gateway stays: remove it with \`nexus keys rm ${name}\`.`);
    for (const companion of companions)
      this.note(`${companion} came with it and stays: \`nexus remove service ${companion}\`.`);
  }
}
