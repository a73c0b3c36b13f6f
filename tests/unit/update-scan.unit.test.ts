// What `watari node scan` tells: how the nodes' answers are put together, what is printed, and the exit code.
import { describe, expect, it } from 'vitest';
import { scanExitCode } from '../../client/commands/node-scan.ts';
import { scanLines } from '../../client/render/updates.ts';
import type { UpdateFacts } from '../../domain/update-facts.ts';
import { findingsOf, mergeScans, type NodeScan } from '../../domain/update-scan.ts';

const update = (kb: string, more: Partial<UpdateFacts> = {}): UpdateFacts => ({
  id: `id-${kb}`,
  revision: 1,
  title: `Update ${kb}`,
  kbs: [kb],
  bytes: 700 * 2 ** 20,
  severity: 'Critical',
  restart: 'always',
  impact: 'normal',
  canRequestInput: false,
  eulaAccepted: true,
  categories: [],
  downloaded: false,
  ...more,
});

const node = (updates: UpdateFacts[], more: Partial<NodeScan> = {}): NodeScan => ({
  build: '26100.4652',
  restartNeeded: false,
  result: 'succeeded',
  warnings: [],
  updates,
  ...more,
});

const AT = '2026-11-24T09:00:00.000Z';
const SILENT = { noAnswer: { code: 'NodeUnreachable', message: 'HV3 is down' } };

describe('a scan', () => {
  it('tells an update once, and of it what is true on every node', () => {
    const scan = mergeScans(AT, [
      ['HV1', node([update('KB5070001', { downloaded: true })])],
      ['HV2', node([update('KB5070001'), update('KB5070002', { eulaAccepted: false })])],
      ['HV3', SILENT],
    ]);
    expect(scan.updates.map((one) => [one.kbs[0], one.downloaded, one.eulaAccepted])).toEqual([
      ['KB5070001', false, true],
      ['KB5070002', false, false],
    ]);
    expect(scan.nodes).toMatchObject({
      HV1: { missing: ['id-KB5070001'] },
      HV2: { missing: ['id-KB5070001', 'id-KB5070002'] },
      HV3: SILENT,
    });
  });

  it('of the largest cluster stays below what a run may carry', () => {
    const updates = Array.from({ length: 50 }, (_, i) =>
      update(`KB${5_070_000 + i}`, {
        id: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
        title: 'x'.repeat(200),
        categories: ['Security Updates', 'Windows Server 2025'],
      }),
    );
    const scan = mergeScans(
      AT,
      Array.from({ length: 64 }, (_, i) => [`HV${i}`, node(updates)] as const),
    );
    expect(JSON.stringify(scan).length).toBeLessThan(256 * 1024);
  });

  const told = (nodes: Parameters<typeof mergeScans>[1], choice = {}) =>
    findingsOf(mergeScans(AT, nodes), choice);

  it('prints what is missing where, what is left out and why, and that builds differ', () => {
    const lines = scanLines(
      told([
        ['HV1', node([update('KB5070001'), update('KB2267602')], { restartNeeded: true })],
        ['HV2', node([], { build: '26100.5335' })],
        ['HV3', SILENT],
      ]),
    );
    expect(lines).toEqual([
      'HV1  build 26100.4652, 1 missing; a restart is owed',
      '  KB5070001  Update KB5070001 (Critical, 700 MB, restart)',
      '  left out: KB2267602, because definitions of Defender come by themselves several times a day',
      'HV2  build 26100.5335, nothing is missing',
      'HV3  no answer: HV3 is down',
      '',
      'The nodes have different builds: 26100.4652 (HV1), 26100.5335 (HV2).',
    ]);
  });

  it.each([
    ['nothing is missing', [['HV1', node([])] as const], {}, 0],
    ['something is', [['HV1', node([update('KB5070001')])] as const], {}, 5],
    [
      'only what is left out',
      [['HV1', node([update('KB5070001')])] as const],
      { notKbs: ['KB5070001'] },
      0,
    ],
    [
      'a node is silent',
      [['HV1', node([update('KB5070001')])] as const, ['HV3', SILENT] as const],
      {},
      1,
    ],
    [
      'a search was not complete',
      [['HV1', node([], { result: 'succeeded-with-errors' })] as const],
      {},
      1,
    ],
  ])('ends, when %s, with the exit code for that', (_, nodes, choice, code) => {
    expect(scanExitCode(told(nodes, choice))).toBe(code);
  });
});
