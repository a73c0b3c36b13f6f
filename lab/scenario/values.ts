// Values that keys of a scenario have in common: names, sizes, rates, times. Imported by the schemas beside it alone.
import { z } from 'zod';
import { rateSchema, sizeSchema } from '../../config/values.ts';
import { STEERING_WORDS, steers } from '../../domain/steering.ts';

/** Names go into messages, ids and paths: whatever can be seen is allowed. */
export const name = z
  .string()
  .min(1)
  .max(100)
  .refine((s) => !steers(s), `a name cannot contain ${STEERING_WORDS}`);
export const size = sizeSchema.refine((bytes) => bytes > 0, 'must be above zero');
export const positiveRate = rateSchema.refine((bytes) => bytes > 0, 'must be above zero');
/** Ten years. Beyond it dates come out that Windows does not have, and that JavaScript cannot write. */
export const SECONDS_MAX = 10 * 366 * 86_400;
export const seconds = z.number().nonnegative().max(SECONDS_MAX);
export const duration = z.number().positive().max(SECONDS_MAX);
/** Times as fast; more is a slip of the pen, and much more is no number any longer. */
export const factor = z.number().min(1).max(1000);
/** Rounds of a move are counted through, one by one. */
export const count = z.int().positive().max(10_000);
export const hresult = z
  .string()
  .regex(/^0[xX][0-9a-fA-F]{8}$/, "an HRESULT is written like '0x80072746', in quotes")
  .transform((s) => `0x${s.slice(2).toUpperCase()}`);
/** At 100 % it is too late for anything to happen to a move. */
export const percent = z.number().min(0).max(99);
