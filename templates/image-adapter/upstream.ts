/** What makes the images: ComfyUI or InvokeAI, seen the same way. */
import { ComfyUi } from "./comfyui.ts";
import { InvokeAi } from "./invokeai.ts";
import type { Settings } from "./settings.ts";

/** A model that images can be made with. */
export type Model = {
  /** What clients call it. */
  id: string;
  /** Further names that clients may use. */
  aliases: string[];
  /** Width and height that suit it, in pixels. */
  side: number;
};

/** One image to make. */
export type Job = {
  model: Model;
  prompt: string;
  negativePrompt: string;
  width: number;
  height: number;
  seed: number;
  steps: number;
  cfgScale: number;
};

/** Every call ends with an ApiError, or with the signal's reason when that one is aborted. */
export interface Upstream {
  /** Its name for people. */
  readonly title: string;
  /** What to do when it has no model. */
  readonly advice: string;
  /** The models that it can make images with right now. */
  models(signal: AbortSignal): Promise<Model[]>;
  /** Makes one image, a PNG; an aborted signal cancels it there, too. */
  generate(job: Job, signal: AbortSignal): Promise<Buffer>;
}

/** The upstream that the settings name. */
export function connectUpstream(settings: Settings): Upstream {
  return settings.upstreamKind === "comfyui" ? new ComfyUi(settings) : new InvokeAi(settings);
}
