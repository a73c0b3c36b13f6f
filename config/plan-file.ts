// Reads a plan that was kept in a file (domain/fleet/plan-document.ts), for `cluster run`. Every problem is told with
// its line and column; a plan of a newer version is refused and never half understood.
import { z } from 'zod';
import { documentFaults, type PlanDocument } from '../domain/fleet/plan-document.ts';
import { customIssue } from './schema-issues.ts';
import { loadYamlDocument, parseYamlDocument } from './yaml-document.ts';

const name = z.string().min(1);
const bytes = z.number().int().min(0);
const seconds = z.number().min(0);

const task = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('empty'), nodes: z.array(name).min(1) }),
  z.strictObject({
    kind: z.literal('rolling'),
    nodes: z.array(name).min(1),
    restartSeconds: z.record(z.string(), seconds),
    maxDown: z.number().int().min(1),
    final: z.enum(['any', 'home']),
  }),
  z.strictObject({ kind: z.literal('rebalance'), withinPercent: z.number().min(0).max(100) }),
]);

const move = z
  .strictObject({
    vm: name,
    vmId: name,
    from: name,
    to: name,
    bytes,
    startSeconds: seconds,
    seconds,
    why: z.string(),
    waits: z.string().optional(),
  })
  .transform(({ waits, ...rest }) => ({ ...rest, ...(waits === undefined ? {} : { waits }) }));

const planSchema = z
  .strictObject({
    schema: z.literal(1),
    cluster: name,
    clusterId: z.string().nullable(),
    takenAt: z.iso.datetime(),
    task,
    facts: z.strictObject({
      slots: z.number().int().min(1),
      reserveBytes: bytes,
      nodes: z.array(
        z.strictObject({
          name,
          freeBytes: bytes.nullable(),
          state: z.enum(['Up', 'Down', 'Paused', 'Joining', 'Unknown']),
          linkBytesPerSecond: z.number().min(1).nullable(),
        }),
      ),
      vms: z.array(
        z.strictObject({
          vm: name,
          vmId: name,
          node: name,
          state: z.enum(['running', 'off', 'moving']),
          bytes,
        }),
      ),
    }),
    moves: z.array(move),
    bytes,
    seconds,
    restarts: z.array(name),
    off: z.array(z.strictObject({ vm: name, node: name })),
    blockers: z.array(z.string()),
    help: z.array(z.string()),
  })
  .superRefine((plan, context) => {
    for (const { path, message } of documentFaults(plan))
      context.addIssue(customIssue(message, undefined, path));
  }) satisfies z.ZodType<PlanDocument>;

/** `file` is only named in messages. The only error is ConfigError. JSON is YAML, so one reader does for both. */
export const parsePlan = (text: string, file: string): PlanDocument =>
  parseYamlDocument(text, file, planSchema);

/** The only error is ConfigError, also for a file that is not there. */
export const loadPlan = (path: string): PlanDocument => loadYamlDocument(path, planSchema);

export const planText = (plan: PlanDocument): string => `${JSON.stringify(plan, null, 1)}\n`;
