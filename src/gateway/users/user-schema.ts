/** What records of users must look like, in the file and on the control channel. */
import { z } from "zod";
import { canonicalUserName, userName } from "../user.ts";

const hexBytes = (least: number, most: number) =>
  z
    .string()
    .regex(/^(?:[0-9a-f]{2})+$/)
    .min(2 * least)
    .max(2 * most);
const salt = hexBytes(8, 64);

const passwordSchema = z
  .strictObject({
    scheme: z.literal("pbkdf2-sha256"),
    // One login may not cost more than a few seconds.
    iterations: z.int().min(1_000).max(5_000_000),
    salt,
    hash: hexBytes(32, 32),
    remade_from: salt.exactOptional(),
  })
  .readonly();

const name = z
  .string()
  .regex(userName)
  .refine((text) => text === canonicalUserName(text), "must be in lower case");

const unchanging = {
  name,
  admin: z.boolean(),
  disabled: z.boolean(),
  created_at: z.iso.datetime({ offset: true }),
};

/** A whole user. */
export const userRecordSchema = z
  .strictObject({ ...unchanging, password: passwordSchema })
  .readonly();

/** A user whose password may stay. */
export const userChangeSchema = z
  .strictObject({ ...unchanging, password: passwordSchema.exactOptional() })
  .readonly();

/** The file of users. */
export const usersFileSchema = z.strictObject({
  version: z.literal(1),
  users: z.array(userRecordSchema),
});
