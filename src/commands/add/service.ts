import { Args, Flags } from "@oclif/core";
import { readCatalog } from "../../catalog/catalog.ts";
import { type EditDocument, EditingCommand, editFlags } from "../../editing-command.ts";
import { serviceToAdd } from "../../stack/added-service.ts";
import { addService } from "../../stack/edit.ts";

export default class AddService extends EditingCommand {
  static override summary = "Add a service to the stack file.";
  static override description =
    "Takes a template by its id, or by what it does (`nexus catalog` lists them), and adds it below the other services; comments and order stay. With --scaffold, copies a template's sources into services/<name>/ as the start of a service of your own. With a running stack, offers to bring it up.";
  static override examples = [
    "<%= config.bin %> add service ollama models=llama3.2:1b",
    "<%= config.bin %> add service ollama --name small gpus=none mem_limit=4g",
    "<%= config.bin %> add service ocr --scaffold",
  ];
  static override strict = false;
  static override args = {
    word: Args.string({
      ignoreStdin: true,
      required: true,
      description:
        "Template id, or what the service should do; with --scaffold, the new service's name.",
    }),
    key: Args.string({
      ignoreStdin: true,
      description: "Keys to set: key=value, any number of them.",
    }),
  };
  static override flags = {
    ...editFlags,
    name: Flags.string({
      description: "What to call the service; the template's id when left out.",
    }),
    scaffold: Flags.boolean({
      description: "Copy the template's sources into services/<name>/ to edit.",
    }),
    template: Flags.string({ description: "Template that --scaffold copies.", default: "example" }),
  };

  async run(): Promise<EditDocument> {
    const { args, argv, flags } = await this.parse(AddService);
    const { stack } = await this.loadStack(flags);
    const { word } = args;
    const wish = { ...flags, word, keys: argv.slice(1).map(String), directory: stack.directory };
    const { name, spec, copySources } = serviceToAdd(await readCatalog(), wish);
    return this.edit(flags, {
      stack,
      service: name,
      edit: (text) => addService(text, name, spec),
      question: `Add ${name} to the stack file?`,
      ...(copySources === undefined ? {} : { writeFirst: copySources }),
    });
  }
}
