import { Args, Flags } from "@oclif/core";
import { chooseModel, findKey, openApi } from "../apply/chat-access.ts";
import { NexusCommand } from "../nexus-command.ts";
import { askOnce, converse, readQuestion, writeAnswer } from "../terminal/chat.ts";

/** What `nexus chat --json` prints. */
export type ChatDocument = Readonly<{ model: string; question: string; answer: string }>;

export default class Chat extends NexusCommand {
  static override summary = "Ask a model a question through the gateway.";
  static override description =
    "Streams the answer to stdout. Without a question, reads it from stdin, or talks with you when that is a terminal. Uses the key in .nexus/secrets/default.key unless told otherwise.";
  static override examples = [
    '<%= config.bin %> chat "Why is the sky blue?"',
    "<%= config.bin %> chat --model ollama/llama3.2:1b",
    'git diff | <%= config.bin %> chat --system "Review this change."',
  ];
  static override strict = false;
  static override args = {
    question: Args.string({
      ignoreStdin: true,
      description: "The question; its words need no quotes.",
    }),
  };
  static override flags = {
    model: Flags.string({
      char: "m",
      description: "Model or alias to ask; the first that can chat when left out.",
    }),
    service: Flags.string({ description: "Ask a model of this service." }),
    system: Flags.string({ char: "s", description: "Instruction that goes before the question." }),
    "key-file": Flags.string({
      description: "File that holds the key; NEXUS_API_KEY is used when set.",
    }),
  };

  async run(): Promise<ChatDocument | undefined> {
    const { flags, argv } = await this.parse(Chat);
    const { stack } = await this.loadStack(flags);
    const key = await findKey(stack, flags["key-file"], process.env);
    const access = { ...(await openApi(await this.connect(flags), stack.name)), key };
    const model = await chooseModel(access, flags);
    const conversation = { access, model, system: flags.system };
    if (argv.length === 0 && process.stdin.isTTY && !this.jsonEnabled())
      return converse(conversation);
    const question = argv.length > 0 ? argv.map(String).join(" ") : await readQuestion();
    const answer = await askOnce(
      conversation,
      question,
      this.jsonEnabled() ? () => undefined : writeAnswer,
    );
    this.log("");
    return { model, question, answer };
  }
}
