/** The base of `nexus add service`: finds out what is meant, explains it, and edits the stack file. */
import { meaningOf } from "./catalog/catalog.ts";
import { type Candidate, candidateOf } from "./catalog/choose-template.ts";
import type { Machine } from "./catalog/machine.ts";
import { fittingPeers, pickCandidate } from "./catalog/pick.ts";
import { type EditDocument, EditingCommand, type EditFlags } from "./editing-command.ts";
import { assumedMachine } from "./nexus-command.ts";
import {
  type Addition,
  additionOf,
  type Neighbourhood,
  openQuestions,
  servicesOf,
} from "./stack/added-service.ts";
import { readAssignments } from "./stack/assignments.ts";
import { addService } from "./stack/edit.ts";
import { gpuWish } from "./stack/members.ts";
import { gpus } from "./stack/schema/network.ts";
import type { Stack } from "./stack/stack.ts";
import { formatPicked, type Picked } from "./terminal/choice.ts";
import { askKeys, chooseCandidate } from "./terminal/choose-template.ts";
import { canAsk } from "./terminal/prompts.ts";

/** What was asked for, and what it is asked of. */
export type Wish = EditFlags &
  Pick<Neighbourhood, "catalog"> &
  Readonly<{
    word: string;
    /** `key=value` words. */
    words: readonly string[];
    as?: string | undefined;
    name?: string | undefined;
    stack: Stack;
  }>;

/** What was decided, and among whom. */
export type Decision = Picked & Readonly<{ addition: Addition }>;

export abstract class AddingCommand extends EditingCommand {
  /** Picks the template, asks what it needs to be told, and works out its entries; writes nothing. */
  protected async decide(wish: Wish): Promise<Decision> {
    const { words, catalog, stack } = wish;
    const known = await this.knownMachine(wish);
    if (known === undefined)
      this.note("No engine can be asked: a machine like this one without a GPU is assumed.");
    const machine = known ?? assumedMachine();
    const picked = await pickFor(wish, machine, known !== undefined);
    this.note(formatPicked(picked));
    const { template } = picked.chosen;
    const questions = openQuestions(template, readAssignments(words));
    const keys = readAssignments([...words, ...(await askKeys(template.id, questions))]);
    const around = { catalog, machine, services: servicesOf(stack) };
    const addition = additionOf(template, { name: wish.name ?? template.id, keys }, around);
    return { ...picked, addition };
  }

  /** Shows the entries, asks, writes them, and offers to bring them up. */
  protected async addServices(
    wish: Wish,
    { services, leftOut, copySources }: Addition,
  ): Promise<EditDocument & Readonly<{ services: readonly string[] }>> {
    const names = services.map(({ name }) => name);
    for (const because of leftOut) this.note(because);
    const document = await this.edit(wish, {
      stack: wish.stack,
      service: services[0].name,
      edit: (text) => services.reduce((page, { name, spec }) => addService(page, name, spec), text),
      question: `Add ${names.join(", ")} to the stack file?`,
      ...(copySources === undefined ? {} : { writeFirst: copySources }),
    });
    return { ...document, services: names };
  }
}

async function pickFor(wanted: Wish, machine: Machine, isMachineKnown: boolean): Promise<Picked> {
  const { word, words, as, catalog } = wanted;
  const { templates, job } = meaningOf(catalog, word);
  // What is no way to ask for GPUs is refused when it is written, with its place in the file.
  const asked = gpus.safeParse(readAssignments(words)["gpus"]).data;
  const wish = gpuWish({ gpus: asked });
  const candidates = templates.map((each) => candidateOf(each, machine, { job, wish }));
  const instead = fittingPeers(catalog, templates, machine);
  const best = pickCandidate({ word, candidates, as, isMachineKnown, instead });
  return { chosen: await wantedOf(wanted, candidates, best), candidates, job };
}

/** Asked only where there is a choice, somebody to make it, and nothing that made it already. */
async function wantedOf(
  { word, as, yes }: Wish,
  candidates: readonly Candidate[],
  best: Candidate,
): Promise<Candidate> {
  const others = candidates.filter((each) => each !== best && each.objection === undefined);
  if (as !== undefined || yes || others.length === 0 || !canAsk()) return best;
  return chooseCandidate(word, [best, ...others]);
}
