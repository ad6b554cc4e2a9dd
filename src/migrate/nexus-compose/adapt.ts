/** What is different about the ancestor's own services, once they are a stack's. Pure. */
import { isRecord } from "../../stack/record.ts";
import type { ConvertedService } from "../compose/convert-service.ts";
import { pairsOf } from "../compose/environment.ts";
import { filled } from "../compose/fill.ts";
import { type Definition, placeIn, type Values } from "../compose/layers.ts";
import { type Note, noteAt, type NoteKind } from "../compose/note.ts";
import type { ComposeProject } from "../compose/read.ts";
import { built } from "./parts.ts";

/** A service's keys, and what was changed about them. */
export type Adapted = Readonly<{ keys: Values; notes: readonly Note[] }>;

/** Adds what is known of an image of the ancestor's, and takes away what only its own ways needed. */
export function adapt(
  service: ConvertedService,
  definition: Definition | undefined,
  { variables }: ComposeProject,
): Adapted {
  const notes: Note[] = [];
  const note = (kind: NoteKind, key: string, message: string): void => {
    const place = definition && placeIn(definition, [key]);
    if (place) notes.push(noteAt(place, kind, message));
  };
  const facts = service.keys["build"] === undefined ? undefined : built[service.name];
  const keys: Record<string, unknown> = { ...facts, ...service.keys };
  const isAsked = keys["template"] !== undefined || keys["probe"] !== undefined;
  if (isAsked && keys["healthcheck"] !== undefined) {
    delete keys["healthcheck"];
    note(
      "changed",
      "healthcheck",
      "is the gateway's question now: images may lack the program that asks",
    );
  }
  // They were asked for on every machine, whether it had any or not.
  if (keys["gpus"] === "all") keys["gpus"] = "auto";
  if (keys["gpus"] !== undefined) withoutNumbers(keys, note);
  const settings = filled(Object.fromEntries(pairsOf(definition?.value["environment"])), variables);
  if (isRecord(settings) && settings["SHIM_MODE"] === "stub")
    note(
      "decide",
      "environment",
      "has SHIM_MODE=stub: it answers every prompt with a placeholder, as before",
    );
  return { keys, notes };
}

type TakeNote = (kind: NoteKind, key: string, message: string) => void;

/** A GPU's number on the machine is not its number in a container that was given some of them. */
function withoutNumbers(keys: Record<string, unknown>, note: TakeNote): void {
  const { environment } = keys;
  if (!isRecord(environment) || !Object.hasOwn(environment, "CUDA_VISIBLE_DEVICES")) return;
  const { CUDA_VISIBLE_DEVICES: _, ...rest } = environment;
  keys["environment"] = rest;
  note("changed", "environment", "has no CUDA_VISIBLE_DEVICES now: `gpus` says which GPUs it gets");
}
