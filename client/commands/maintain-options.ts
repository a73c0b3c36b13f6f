// What may be said of a maintenance, the same for one that starts now and for one that a schedule starts; checked
// before any server is asked.
import { InvalidArgumentError, type Command } from 'commander';
import { parseDuration } from '../../config/sizes.ts';
import { readWindows } from '../../domain/fleet/window.ts';
import { sameName } from '../../domain/names.ts';
import type { MaintainClusterInput, NodeAction } from '../../domain/spec.ts';
import { checkedName } from '../cluster/name.ts';
import { badInput } from '../errors.ts';
import { addUpdateOptions, choiceOf, type UpdateOptions } from './update-options.ts';

export interface MaintainOptions extends UpdateOptions {
  restart?: boolean;
  updates?: boolean;
  packages?: string;
  script?: string;
  wait?: boolean;
  none?: boolean;
  maxFailed?: number;
  window?: string;
  canary?: string;
  soak?: number;
  pauseAfterEach?: boolean;
  bringBack?: boolean;
}

export const addMaintainOptions = (command: Command): Command =>
  addUpdateOptions(
    command
      .option('--restart', 'restart each node')
      .option('--updates', 'install the updates of Windows that each node lacks, and restart it')
      .option('--packages <folder>', 'the same from a folder with .msu and .cab files on each node')
      .option('--script <name>', "run a script of the node's own folder (WATARI_SCRIPTS)")
      .option('--wait', 'wait for a person, who works on the node and then says: watari run retry')
      .option('--none', 'do nothing with it'),
  )
    .option('--max-failed <n>', 'go on after so many nodes that fail, and ask nobody', count)
    .option('--window <window>', 'begin no node outside of it: "Sat 22:00-05:00 Asia/Tokyo"')
    .option('--canary <node>', 'this node first')
    .option('--soak <time>', 'wait so long after the canary before the next node: 24h', seconds)
    .option('--pause-after-each', 'wait for watari run resume after each node')
    .option('--bring-back', 'move back to each node what was moved off it');

function count(text: string): number {
  const n = Number(text);
  if (Number.isInteger(n) && n >= 0 && n <= 1000) return n;
  throw new InvalidArgumentError('A whole number from 0 to 1000.');
}

const SOAK_SECONDS_MAX = 30 * 86_400;

function seconds(text: string): number {
  const time = parseDuration(text);
  if (time !== null && time > 0 && time <= SOAK_SECONDS_MAX) return time;
  throw new InvalidArgumentError('A time as 30m or 24h, of at most 30 days.');
}

/** Exactly one of them: what happens to a node is never a guess. A folder says where updates come from. */
function actionOf(o: MaintainOptions): NodeAction {
  const actions: NodeAction[] = [
    ...(o.restart === true ? [{ kind: 'restart' } as const] : []),
    ...(o.updates === true && o.packages === undefined
      ? [{ kind: 'updates', choice: choiceOf(o) } as const]
      : []),
    ...(o.packages === undefined ? [] : [{ kind: 'packages', folder: o.packages } as const]),
    ...(o.script === undefined ? [] : [{ kind: 'script', name: o.script } as const]),
    ...(o.wait === true ? [{ kind: 'wait' } as const] : []),
    ...(o.none === true ? [{ kind: 'none' } as const] : []),
  ];
  const [action] = actions;
  if (action === undefined || actions.length > 1) {
    throw wrong(
      actions.length === 0
        ? 'it is not said what to do with a node'
        : 'more than one deed is given',
      'Give one of --restart, --updates, --packages FOLDER, --script NAME, --wait and --none.',
    );
  }
  const chooses = Object.keys(choiceOf(o)).length > 0;
  if (chooses && action.kind !== 'updates') {
    throw wrong(
      '--query, --kb, --not-kb and --accept-eula choose among what a search finds',
      'Give them with --updates.',
    );
  }
  return action;
}

/** Updates nearly always do, and who asks is asked before. */
export const restarts = ({ kind }: NodeAction): boolean =>
  kind === 'restart' || kind === 'updates' || kind === 'packages';

const wrong = (what: string, next: string): Error => badInput(what, next, 'BadAction');

/** Of the input of maintainCluster: all that does not need to know the cluster. */
export type Wishes = Pick<
  MaintainClusterInput,
  'action' | 'maxFailed' | 'window' | 'canary' | 'soakSeconds' | 'pauseAfterEach' | 'bringBack'
>;

export function maintainWishes(nodes: readonly string[], o: MaintainOptions): Wishes {
  const action = actionOf(o);
  if (action.kind === 'wait' && (o.maxFailed ?? 0) > 0)
    throw wrong(
      '--wait waits for a person, and with --max-failed nobody is asked',
      'Leave out one of the two.',
    );
  const read = o.window === undefined ? [] : readWindows(o.window);
  if ('wrong' in read) throw badInput(read.wrong, 'Nothing was started.', 'BadWindow');
  const canary = o.canary === undefined ? undefined : checkedName('node', o.canary);
  if (o.soak !== undefined && canary === undefined)
    throw wrong('--soak says how long to wait after the canary', 'Give --canary NODE, too.');
  if (canary !== undefined && nodes.length > 0 && !nodes.some((node) => sameName(node, canary)))
    throw wrong(`the canary ${canary} is not among the nodes`, 'Name it, or no node at all.');
  return {
    action,
    ...(o.maxFailed === undefined ? {} : { maxFailed: o.maxFailed }),
    ...(o.window === undefined ? {} : { window: o.window }),
    ...(canary === undefined ? {} : { canary }),
    ...(o.soak === undefined ? {} : { soakSeconds: o.soak }),
    ...(o.pauseAfterEach === true ? { pauseAfterEach: true } : {}),
    ...(o.bringBack === true ? { bringBack: true } : {}),
  };
}
