// What real machines printed, in whatever language, through what reads it here: errors, states, names of the cluster's
// own objects. A recording is never changed to fit.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { failureOf } from '../../hyperv/powershell/failures.ts';
import { ROOT } from '../support/built-setup.ts';
import { SERVER_CMDLETS } from '../../lab/powershell/server-cmdlets.ts';
import { Bound } from '../../lab/powershell/wire.ts';
import { RECORDINGS, TYPES } from '../support/evidence.ts';
import { labOf, THREE } from './lab-fixture.ts';

interface RecordedError {
  category: string | null;
  exception: string | null;
  fullyQualifiedErrorId: string | null;
  message: string | string[] | null;
}

interface RecordedEvent {
  level: number;
  userData: { VmlEventLog: Record<string, string> };
}

interface PlayedEvent {
  p: { Level: number; Properties: { p: { Value: string | { $s: string } } }[] };
}

const errors = [...RECORDINGS].filter(
  ([, one]) =>
    one.kind === 'error' &&
    (one.data as Partial<RecordedError>).fullyQualifiedErrorId !== undefined,
);

describe('a recorded error', () => {
  it.each(errors)(
    '%s becomes a refusal with its own id, whatever its language',
    (_name, { data }) => {
      const { category, exception, fullyQualifiedErrorId, message } = data as RecordedError;
      const text = [message ?? ''].flat().join('\n');
      const errorId = fullyQualifiedErrorId ?? '';
      // Exceptions of Hyper-V carry COR_E_EXCEPTION only: no code of Windows.
      const chain = [{ type: exception ?? '', hresult: '0x80131500', message: text }];
      const failure = {
        errorId,
        category: category ?? '',
        command: 'Get-VM',
        message: text,
        chain,
      };
      const { info, message: said } = failureOf('readVms', 'HV1', failure);
      expect(info).toMatchObject({ op: 'readVms', outcome: 'refused', errorId });
      expect(info.hresult ?? '0x80000000').toMatch(/^0x[0-9A-F]{8}$/);
      expect(info.hresult).not.toBe('0x80131500');
      expect(said.startsWith(text.trim())).toBe(true);
    },
  );

  it('is there in more than one language', () => {
    expect(errors.length).toBeGreaterThan(25);
    expect(new Set(errors.map(([, one]) => one.culture)).size).toBeGreaterThan(2);
  });
});

describe('the event of a live migration that succeeded', () => {
  it('has its data as a machine wrote them', () => {
    const t = labOf(THREE.replace('0MB/s', '200MB/s'));
    t.start('a', 'HV2');
    t.pass(600);
    const { world } = t.lab;
    const FilterHashtable = { LogName: 'Microsoft-Windows-Hyper-V-VMMS-Admin', Id: 20415 };
    const bound = new Bound({ FilterHashtable });
    const node = world.nodes.find(({ name }) => name === 'HV2')!;
    const call = { world, node, op: 'readBlackouts', cmdlet: 'Get-WinEvent', bound } as const;
    const [event] = SERVER_CMDLETS['Get-WinEvent']!.run(call).out as unknown as [PlayedEvent];
    const played = event.p.Properties.map(({ p: { Value: text } }) =>
      typeof text === 'string' ? text : text.$s.slice(1),
    );
    const { level, userData } = RECORDINGS.get('event-7')?.data as RecordedEvent;
    const recorded = Object.values(userData.VmlEventLog);
    const shape = (text: string) => text.replace(/[0-9A-F]/g, '0');
    expect(event.p.Level).toBe(level);
    expect(played.map(shape)).toEqual(['a', ...recorded.slice(1).map(shape)]);
  });
});

describe('a state of a VM', () => {
  const script = fs.readFileSync(path.join(ROOT, 'hyperv', 'powershell', 'vm-look.ps1'), 'utf8');
  const table = /\$script:VMStates = @\{([\s\S]*?)\n\}/.exec(script)?.[1] ?? '';
  const told = new Map(
    [...table.matchAll(/(\d+) = '(\w+)'/g)].map(([, n, s]) => [Number(n), s ?? '']),
  );
  const names = Object.entries(TYPES.get('Microsoft.HyperV.PowerShell.VMState')?.values ?? {});

  it.each(names.filter(([, number]) => told.has(number)))(
    '%s is told by its number',
    (name, number) => {
      const base = name.replace(/Critical$/, '').replace(/^Fast/, '');
      expect(told.get(number)?.toLowerCase()).toBe(base.toLowerCase());
    },
  );

  it('of those that Windows knows is told, but for the rare ones', () => {
    const rest = names.filter(([, number]) => !told.has(number)).map(([name]) => name);
    const rare =
      /^(Other|Reset|Pausing|Resuming|Force\w+|Hibernated|ComponentServicing)(Critical)?$/;
    expect(rest.filter((name) => !rare.test(name))).toEqual([]);
  });

  it('as a machine recorded it is one of them', () => {
    const { enabledStateV2, second } = RECORDINGS.get('vm-operational-status-1')?.data as {
      enabledStateV2: Record<string, string>;
      second: Record<string, string>;
    };
    const saved = Object.keys(enabledStateV2).find((n) => /saved/.test(enabledStateV2[n] ?? ''));
    const paused = Object.keys(enabledStateV2).find((n) => /paused/.test(enabledStateV2[n] ?? ''));
    expect([told.get(Number(saved)), told.get(Number(paused))]).toEqual(['Saved', 'Paused']);
    const busy = /\$script:BusyStatus = @\((.*)\)/.exec(script)?.[1]?.split(', ') ?? [];
    // Merging is busy; migrating is told by the role.
    expect(Object.keys(second).map((n) => busy.includes(n))).toEqual([true, false]);
  });
});

describe('a recording', () => {
  it.each([...RECORDINGS])('%s says where it comes from', (_name, one) => {
    const { source, certainty, culture, command } = one;
    for (const text of [source, certainty, culture, command]) expect(text).not.toBe('');
  });

  it('of the cluster in Chinese has none of the names that the module looks for', () => {
    const groups = RECORDINGS.get('cluster-group-1')?.data as { Name: string }[];
    const module = ['role.ps1', 'cluster.ps1', 'node.ps1'].map((file) =>
      fs.readFileSync(path.join(ROOT, 'hyperv', 'powershell', file), 'utf8'),
    );
    expect(groups.map((group) => group.Name)).toContain('可用存放裝置');
    for (const text of module) expect(text).not.toMatch(/'(Available Storage|Cluster Group)'/);
  });
});
