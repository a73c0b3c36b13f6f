// The shape of a fault: what goes wrong, where, when and how often (docs/lab.md explains every key). A scenario has
// them, and a running lab takes more.
import { z } from 'zod';
import { customIssue } from '../../config/schema-issues.ts';
import { quoteValue } from '../../domain/quoting.ts';
import { suggest } from '../../domain/suggest.ts';
import { OPS } from '../../hyperv/host.ts';
import { count, duration, hresult, name, percent, seconds, SECONDS_MAX } from './values.ts';

/** Things that befall the cluster instead of an operation. */
export const WORLD_EVENTS = [
  'nodeCrash',
  'nodePowerOff',
  'bootFails',
  'bootReverts',
  'bootOwes',
  'clockSteps',
  'networkDown',
  'quorumLost',
  'csvPaused',
  'moveFails',
  'moveStands',
] as const;
export type WorldEvent = (typeof WORLD_EVENTS)[number];

export const isWorldEvent = (name: string): name is WorldEvent =>
  (WORLD_EVENTS as readonly string[]).includes(name);

/** Events that wait for the node's next boot. */
const BOOT_EVENTS = ['bootFails', 'bootReverts', 'bootOwes'] as const;
export type BootEvent = (typeof BOOT_EVENTS)[number];

const isBootEvent = (name: string): name is BootEvent =>
  (BOOT_EVENTS as readonly string[]).includes(name);

/** Events that befall a move, early in its data transfer unless they say when. */
export const isMoveEvent = (name: string): name is 'moveFails' | 'moveStands' =>
  name === 'moveFails' || name === 'moveStands';

const faultError = z.strictObject({
  hresult: hresult.optional(),
  eventId: z.int().positive().optional(),
  errorId: z.string().optional(),
  message: z.string().optional(),
});

const moment = z.union([z.strictObject({ vm: name, percent }), z.strictObject({ seconds })], {
  error: 'write { vm: NAME, percent: N } or { seconds: N }',
});

export const faultSchema = z
  .strictObject({
    on: z.string(),
    node: name.optional(),
    vm: name.optional(),
    times: z.union([count, z.literal('always')], 'write a number above 0 or always').default(1),
    at: z.enum(['before-effect', 'after-effect']).optional(),
    error: faultError.optional(),
    hangSeconds: seconds.optional(),
    seconds: duration.optional(),
    /** How far a clock is set, back when below zero. */
    bySeconds: z.number().min(-SECONDS_MAX).max(SECONDS_MAX).optional(),
    when: moment.optional(),
  })
  .superRefine((fault, context) => {
    const wrong = (key: string, message: string): void => {
      context.addIssue(customIssue(message, undefined, [key]));
    };
    if (!isWorldEvent(fault.on)) {
      if (!(OPS as readonly string[]).includes(fault.on)) {
        const message = `${quoteValue(fault.on)} is neither an operation nor a world event`;
        const hint = suggest(fault.on, [...OPS, ...WORLD_EVENTS]);
        context.addIssue(customIssue(message, hint, ['on']));
        return;
      }
      if (fault.at === 'after-effect' && fault.error !== undefined)
        wrong('error', "with 'at: after-effect' the answer is lost, so it cannot carry an error");
      if (fault.when !== undefined && 'vm' in fault.when)
        wrong('when', 'a fault of an operation can wait for { seconds: N } only');
      if (fault.seconds !== undefined)
        wrong(
          'seconds',
          "a fault of an operation lasts as 'times' says; use 'hangSeconds' to delay",
        );
      if (fault.bySeconds !== undefined) wrong('bySeconds', "only 'clockSteps' takes 'bySeconds'");
      return;
    }
    if (fault.at !== undefined) wrong('at', `'${fault.on}' is a world event and answers nothing`);
    if (fault.hangSeconds !== undefined)
      wrong('hangSeconds', `'${fault.on}' is a world event and answers nothing`);
    const ofBoot = isBootEvent(fault.on);
    if (ofBoot && fault.when !== undefined)
      wrong('when', `'${fault.on}' waits for the node's next restart, so it takes no 'when'`);
    const lasting = ['networkDown', 'quorumLost', 'csvPaused', 'moveStands'].includes(fault.on);
    if (lasting && fault.seconds === undefined)
      wrong('seconds', `'${fault.on}' needs 'seconds': how long it lasts`);
    if (!lasting && fault.seconds !== undefined)
      wrong('seconds', `'${fault.on}' does not last, so it takes no 'seconds'`);
    const steps = fault.on === 'clockSteps';
    if (steps && !fault.bySeconds) wrong('bySeconds', "'clockSteps' needs 'bySeconds', not 0");
    if (!steps && fault.bySeconds !== undefined)
      wrong('bySeconds', `'${fault.on}' sets no clock, so it takes no 'bySeconds'`);
    const ofNode =
      ofBoot || steps || ['nodeCrash', 'nodePowerOff', 'networkDown'].includes(fault.on);
    if (ofNode && fault.node === undefined) wrong('node', `'${fault.on}' needs 'node'`);
    if (!ofNode && fault.node !== undefined && fault.on !== 'csvPaused')
      wrong('node', `'${fault.on}' is not about a node, so it takes no 'node'`);
    if (fault.error !== undefined && fault.on !== 'moveFails')
      wrong('error', `'${fault.on}' takes no 'error'`);
    if (isMoveEvent(fault.on)) {
      if (fault.vm === undefined) wrong('vm', `'${fault.on}' needs 'vm'`);
      if (fault.when !== undefined && !('vm' in fault.when))
        wrong('when', `'${fault.on}' happens at a percentage: { vm: NAME, percent: N }`);
    } else {
      if (fault.vm !== undefined) wrong('vm', `'${fault.on}' takes a VM only in 'when'`);
      if (!ofBoot && fault.when === undefined)
        wrong('when', `'${fault.on}' needs 'when': { vm: NAME, percent: N } or { seconds: N }`);
    }
  });
export type Fault = z.output<typeof faultSchema>;
