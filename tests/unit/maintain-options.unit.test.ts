// What may be said of a maintenance on the command line, before any server is asked.
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import {
  addMaintainOptions,
  maintainWishes,
  type MaintainOptions,
  type Wishes,
} from '../../client/commands/maintain-options.ts';

function wishesOf(line: string, nodes: string[] = []): Wishes {
  const command = addMaintainOptions(new Command())
    .exitOverride()
    .configureOutput({
      writeErr: () => undefined,
    });
  command.parse(line.split(' '), { from: 'user' });
  return maintainWishes(nodes, command.opts<MaintainOptions>());
}

describe('a maintenance', () => {
  it('reads updates, what is chosen of them, and how long the canary is watched', () => {
    expect(
      wishesOf('--updates --kb 5070001,KB5070002 --not-kb KB2267602 --canary HV2 --soak 24h'),
    ).toEqual({
      action: {
        kind: 'updates',
        choice: { kbs: ['KB5070001', 'KB5070002'], notKbs: ['KB2267602'] },
      },
      canary: 'HV2',
      soakSeconds: 86_400,
    });
  });

  it.each(['--packages C:\\Updates', '--updates --packages C:\\Updates'])('takes %s', (line) => {
    expect(wishesOf(line).action).toEqual({ kind: 'packages', folder: 'C:\\Updates' });
  });

  it.each([
    ['--pause-after-each', /not said what to do/],
    ['--restart --updates', /more than one deed/],
    ['--restart --kb KB5070001', /choose among what a search finds/],
    ['--packages C:\\Updates --accept-eula', /choose among what a search finds/],
    ['--wait --max-failed 1', /nobody is asked/],
    ['--restart --soak 1h', /after the canary/],
    ['--restart --soak 40d --canary HV1', /at most 30 days/],
    ['--updates --kb 12', /no article/],
    ['--restart --window Saturday', /cannot be read/],
  ])('refuses %s', (line, why) => {
    expect(() => wishesOf(line)).toThrow(why);
  });

  it('wants its canary among the nodes that are named', () => {
    expect(() => wishesOf('--restart --canary HV9', ['HV1', 'HV2'])).toThrow(/not among the nodes/);
    expect(wishesOf('--restart --canary hv1', ['HV1', 'HV2']).canary).toBe('hv1');
  });
});
