/** The stack of a migration on a real engine, with the same pipeline as `nexus up` and `nexus down`. */
import { type ChangeOptions, changeStack } from "../../apply/bring-up.ts";
import { openApi } from "../../apply/chat-access.ts";
import { withGateway } from "../../apply/gateway-access.ts";
import { ensureGatewayImage, readGatewayImage } from "../../apply/gateway-image.ts";
import { chooseNodeBase } from "../../apply/node-base.ts";
import { reviewGpus } from "../../apply/review-gpus.ts";
import { surveyDown } from "../../apply/survey-down.ts";
import { surveyUp } from "../../apply/survey.ts";
import type { Engine } from "../../engine/engine.ts";
import type { Stack } from "../../stack/stack.ts";
import type { StackWorld } from "./context.ts";

/** What the command knows. */
export type StackWorldOptions = Readonly<{
  engine: Engine;
  /** Reads the stack file for the engine's machine. */
  load: (file: string) => Promise<Stack>;
  /** Version of Nexus, for the labels. */
  version: string;
  /** As the user typed it, for whoever meets the lock. */
  command: string;
  talk: Pick<ChangeOptions, "onPlan" | "onEvent">;
  signal: AbortSignal;
}>;

/** The world as it is. */
export function stackWorld(options: StackWorldOptions): StackWorld {
  const { engine, load, version } = options;
  const change = (more: Pick<ChangeOptions, "stack" | "survey" | "review">) =>
    changeStack({
      ...options.talk,
      ...more,
      engine,
      command: options.command,
      consent: async () => true,
      waitForLockMs: 0,
      signal: options.signal,
    });
  return {
    engine,
    load,
    bringUp: (stack) =>
      change({
        stack: stack.name,
        survey: () => surveyUp({ engine, stack, version }),
        review: (report) => reviewGpus(report, { engine, stack }),
      }),
    takeDown: (stack, volumes) =>
      change({ stack, survey: () => surveyRemoval(engine, stack, volumes) }),
    gatewayImage: (stack) => gatewayImageOn(engine, stack),
    gateway: (stack, use) => withGateway(engine, stack, use),
    api: (stack) => openApi(engine, stack),
  };
}

/** A volume that is not named was made by somebody since. */
async function surveyRemoval(
  engine: Engine,
  stack: string,
  volumes: readonly string[] | "all",
): ReturnType<typeof surveyDown> {
  const survey = await surveyDown({ engine, stack, volumes: true });
  if (volumes === "all") return survey;
  const actions = survey.plan.actions.filter(
    (action) => action.kind !== "remove-volume" || volumes.includes(action.volume),
  );
  return { ...survey, plan: { ...survey.plan, actions } };
}

async function gatewayImageOn(engine: Engine, { gateway }: Stack): Promise<string> {
  const image = await readGatewayImage(chooseNodeBase(await engine.describe(), gateway.baseImage));
  if ((await engine.images.inspect(image.ref)) === undefined)
    await ensureGatewayImage(engine, image, () => undefined);
  return image.ref;
}
