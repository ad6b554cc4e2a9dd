import { Args, Flags } from "@oclif/core";
import type { Candidate } from "../../catalog/choose-template.ts";
import { readCatalog } from "../../catalog/catalog.ts";
import { AddingCommand, type Wish } from "../../adding-command.ts";
import { type EditDocument, editFlags } from "../../editing-command.ts";
import { scaffoldAddition } from "../../stack/added-service.ts";
import { readAssignments } from "../../stack/assignments.ts";
import { candidateDocument, type CandidateDocument } from "../../terminal/choice.ts";

/** What `nexus add service --json` prints. */
export type AddDocument = EditDocument &
  Readonly<{
    /** Every service that was added, the one asked for first. */
    services: readonly string[];
    /** The template that was taken, and why; not for scaffolds. */
    chosen?: CandidateDocument;
    /** The others that could have been taken, each with its objection. */
    alternatives?: readonly CandidateDocument[];
  }>;

export default class AddService extends AddingCommand {
  static override summary = "Add a service to the stack file.";
  static override description =
    "Takes a template by its id, or the best one for a job (llm, embeddings, rerank, tts, asr, images, chat-ui, search, vectors, monitoring; `nexus catalog` lists them) on the hardware of your engine, says why and what else there is, and adds it below the other services; comments and order stay. With --scaffold, copies a template's sources into services/<name>/ as the start of a service of your own. With a running stack, offers to bring it up.";
  static override examples = [
    "<%= config.bin %> add service tts",
    "<%= config.bin %> add service asr --as whispercpp",
    "<%= config.bin %> add service ollama models=llama3.2:1b",
    "<%= config.bin %> add service ollama --name small --set gpus=none --set environment.OLLAMA_KEEP_ALIVE=30m",
    "<%= config.bin %> add service ocr --scaffold",
  ];
  static override strict = false;
  static override args = {
    word: Args.string({
      ignoreStdin: true,
      required: true,
      description: "Template id, or a job; with --scaffold, the new service's name.",
    }),
    key: Args.string({
      ignoreStdin: true,
      description: "Keys to set: key=value, any number of them.",
    }),
  };
  static override flags = {
    ...editFlags,
    as: Flags.string({ description: "Template that is to do the job.", exclusive: ["scaffold"] }),
    set: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: "Key to set, as key=value; environment.NAME=value sets a variable.",
    }),
    name: Flags.string({
      description: "What to call the service; the template's id when left out.",
    }),
    scaffold: Flags.boolean({
      description: "Copy the template's sources into services/<name>/ to edit.",
    }),
    template: Flags.string({
      description: "Template that --scaffold copies; `example` when left out.",
      dependsOn: ["scaffold"],
    }),
  };

  async run(): Promise<AddDocument> {
    const { args, argv, flags } = await this.parse(AddService);
    const { stack } = await this.loadStack(flags);
    const words = [...argv.slice(1).map(String), ...(flags.set ?? [])];
    const wish: Wish = { ...flags, word: args.word, words, stack, catalog: await readCatalog() };
    if (!flags.scaffold) return this.#addTemplate(wish);
    const name = flags.name ?? args.word;
    const { directory } = stack;
    const { template = "example" } = flags;
    const scaffold = { template, name, keys: readAssignments(words), directory };
    return this.addServices(wish, scaffoldAddition(wish.catalog, scaffold));
  }

  async #addTemplate(wish: Wish): Promise<AddDocument> {
    const { chosen, candidates, addition } = await this.decide(wish);
    const document = await this.addServices(wish, addition);
    const others = candidates.filter((each: Candidate) => each !== chosen);
    return {
      ...document,
      chosen: candidateDocument(chosen),
      alternatives: others.map(candidateDocument),
    };
  }
}
