// Keys of a scenario about Windows Update: what nodes are offered, and how each of it goes. Part of schema.ts.
import { z } from 'zod';
import { count, hresult, name, seconds, size } from './values.ts';

const times = z.union([z.literal('always'), count]);
const kb = z.string().regex(/^KB\d{6,8}$/, 'an article is written like KB5070001');

const failing = z.strictObject({ hresult, times: times.default(1) });

export const updateSchema = z.strictObject({
  kb,
  /** Absent: its kb. */
  title: z.string().min(1).optional(),
  size: size.default(500 * 2 ** 20),
  severity: z.string().nullable().default('Critical'),
  restart: z.enum(['never', 'always', 'maybe']).default('always'),
  impact: z.enum(['normal', 'minor', 'exclusive']).default('normal'),
  canRequestInput: z.boolean().default(false),
  /** Its licence terms are still to be accepted. */
  eula: z.boolean().default(false),
  categories: z.array(z.string().min(1)).default(['Security Updates']),
  /** Absent: every node. */
  nodes: z.array(name).min(1).optional(),
  /** UBR of a node that has it. */
  revision: z.int().min(0).optional(),
  downloadSeconds: seconds.default(60),
  installSeconds: seconds.default(300),
  /** Offered once this one is installed and the node has restarted. */
  after: kb.optional(),
  downloadFails: failing.optional(),
  fails: failing.optional(),
  /** So many restarts undo it instead of finishing it. */
  rollsBack: times.optional(),
  /** So often the process that installs it dies in the middle. */
  dies: times.optional(),
  /** It is offered again as soon as it is installed, as definitions are. */
  comesBack: z.boolean().default(false),
  /** Servicing still works for so long after the restart. */
  servicingSeconds: seconds.default(0),
  /** Windows restarts by itself so long after it is installed, unless automatic updates are off. */
  restartsAfterSeconds: seconds.optional(),
});
export type UpdateScenario = z.output<typeof updateSchema>;

/** Files that lie on a node, for DISM. */
export const packagesSchema = z.strictObject({
  folder: z.string().min(1),
  kbs: z.array(kb).min(1),
});
