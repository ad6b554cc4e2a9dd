/** What was staged, into the gateway's volume. */
import { gatewayVolume } from "../../../plan/names.ts";
import { gatewayPaths } from "../../../gateway/config.ts";
import { carriedEntries, listCarried } from "../carried.ts";
import type { StepWorker } from "../context.ts";
import { withCarrier } from "./carrier.ts";

/** Fills `/data/carried/`; the volume is then as `nexus up` would have made it, but for that. */
export const carryStep: StepWorker<"carry"> = {
  begin: async (_, { plan }) => ({ volumes: [gatewayVolume(plan.choices.stack)] }),
  carryOut: async ({ staged }, context, { begun, tell }) => {
    const { world, plan } = context;
    const stack = await world.load(plan.file);
    const image = await world.gatewayImage(stack);
    const files = await listCarried(staged, context);
    const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    tell({ subject: `${files.length} files`, bytes: { done: 0, total } });
    const volume = gatewayVolume(stack.name);
    const place = { stack: stack.name, volume, image, target: gatewayPaths.data };
    await withCarrier(world.engine, place, ({ put }) => put(carriedEntries(files, context)));
    tell({ subject: `${files.length} files`, bytes: { done: total, total } });
    return begun;
  },
};
