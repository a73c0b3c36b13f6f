// Keys of a scenario about Storage Spaces Direct. Part of schema.ts.
import { z } from 'zod';
import { seconds, size } from './values.ts';

export const storageSchema = z.strictObject({
  /** The cluster has it. */
  direct: z.boolean().default(false),
  virtualDisks: z.array(z.string().min(1)).min(1).default(['Volume1']),
  /** From the return of the last node that was away. */
  repairSeconds: seconds.default(120),
  repairBytes: size.default(20 * 2 ** 30),
  /** Repairs are suspended and say no progress. */
  suspended: z.boolean().default(false),
});
