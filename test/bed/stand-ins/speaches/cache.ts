/** Speaches' models: which there are to fetch, which are on its disk, and which are in memory. */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { liesAbout, servedModel } from "../lie.ts";
import { numberFrom } from "../serve.ts";

/** What a model is for, as `GET /v1/models` has it. */
export type Task = "automatic-speech-recognition" | "text-to-speech";

const folder = process.env["STAND_IN_CACHE"] ?? "/home/ubuntu/.cache/huggingface/hub";
const loaded = new Set<string>();

/** What a model is for; undefined for one that Speaches' registry does not have. */
export function taskOf(model: string): Task | undefined {
  if (/^Systran\/faster-(distil-)?whisper-[\w.-]+$/.test(model))
    return "automatic-speech-recognition";
  return /^speaches-ai\/[\w.-]+$/.test(model) ? "text-to-speech" : undefined;
}

/** Models on the disk, as Hugging Face's library lays them down: `models--org--name`. */
export function installed(): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.startsWith("models--"))
    .map((name) => name.slice("models--".length).replaceAll("--", "/"));
}

/** Fetches a model; false when it was there already. A stand-in that lies fetches nothing, or another one. */
export async function install(model: string): Promise<boolean> {
  if (installed().includes(model)) return false;
  await delay(numberFrom("STAND_IN_PULL_MS", 300));
  if (!liesAbout("ready-without-model")) mkdirSync(pathOf(servedModel(model)), { recursive: true });
  return true;
}

/** Removes a model from the disk; false when it was not there. */
export function uninstall(model: string): boolean {
  if (!installed().includes(model)) return false;
  rmSync(pathOf(model), { recursive: true });
  return true;
}

/** Models in memory. */
export function inMemory(): readonly string[] {
  return [...loaded];
}

/** Puts a model into memory; the first use of one takes its time. */
export async function load(model: string): Promise<void> {
  if (!loaded.has(model)) await delay(numberFrom("STAND_IN_LOAD_MS", 150));
  loaded.add(model);
}

/** Takes a model out of memory; false when it was not there. */
export function unload(model: string): boolean {
  return loaded.delete(model);
}

function pathOf(model: string): string {
  return join(folder, `models--${model.replaceAll("/", "--")}`);
}
