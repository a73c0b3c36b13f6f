// The table of failures and how signs find their row.
import { readdirSync, readFileSync } from 'node:fs';
import type { ApplicationFailure } from '@temporalio/common';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asFailure } from '../../activities/failing.ts';
import {
  classify,
  FAILURES,
  failureRow,
  isFailureCode,
  normalizeHresult,
  retryOf,
  type FailureCode,
  type Signs,
} from '../../domain/failures.ts';
import { HypervError } from '../../hyperv/host.ts';

const signs = (over: Partial<Signs> = {}): Signs => ({
  hresults: [],
  eventIds: [],
  errorIds: [],
  outcome: 'refused',
  ...over,
});
const codes = Object.keys(FAILURES).filter(isFailureCode);
const rows = codes.map((code) => ({ code, ...failureRow(code) }));

describe('the table', () => {
  it('has the known failures of the platform once, but those that Windows shows by nothing', () => {
    const numbers = rows.flatMap((r) => r.row ?? []).sort((a, b) => a - b);
    // Older microcode, network of the guest, key protector, hanging move, policy, backup agent, shared VHDX, function.
    const unseen = [12, 23, 28, 32, 33, 35, 41, 42];
    const known = Array.from({ length: 42 }, (_, i) => i + 1);
    expect(numbers).toEqual(known.filter((n) => !unseen.includes(n)));
  });

  it('gives no sign to two rows', () => {
    for (const key of ['hresults', 'eventIds', 'errorIds'] as const) {
      const all = rows.flatMap((r) => [...(r[key] ?? [])]);
      expect(all.filter((sign, i) => all.indexOf(sign) !== i)).toEqual([]);
    }
  });

  it('does not let an event decide that comes along with other rows', () => {
    const along = rows.flatMap((r) => [...(r.seenWith ?? [])]);
    const deciding = rows.flatMap((r) => [...(r.eventIds ?? [])]);
    expect(deciding.filter((id) => along.includes(id))).toEqual([]);
  });

  it.each(rows)('says of $code what happened and what to do', ({ code, title, hint, hresults }) => {
    expect(code).toMatch(/^([A-Z][a-z0-9]*)+$/);
    expect(title).toMatch(/^\S.*[^.\s]$/);
    expect(hint).toMatch(/^[A-Z][^\n]*[^ ]\.$/);
    expect(`${title}${hint}`).not.toMatch(/ {2}|undefined/);
    for (const h of hresults ?? []) expect(h).toBe(normalizeHresult(h));
  });

  it('retries nothing that only a person can mend', () => {
    const retried = codes.filter((code) => retryOf(code) === 'retry');
    expect(retried.sort()).toEqual([
      'ConnectionReset',
      'HyperVNotReady',
      'MigrationInProgress',
      'MigrationLimitReached',
      'NotReady',
      'OutcomeUnknown',
      'UpdateAgentNotReady',
      'UpdatesBusy',
    ]);
  });
});

describe('classify', () => {
  const generic = '0x80004005';
  const byHresult = rows.flatMap((r) =>
    (r.hresults ?? []).map((h) => ({ hresult: h, code: r.code })),
  );
  const byEvent = rows.flatMap((r) => (r.eventIds ?? []).map((id) => ({ id, code: r.code })));

  it.each(byHresult)('takes $hresult of a move for $code', ({ hresult, code }) => {
    const found = classify(signs({ hresults: [hresult], eventIds: [21502] }), 'startMove');
    expect(found).toBe(code);
  });

  it.each(['52E', '52F', '530', '531', '532', '533', '701', '773', '775'])(
    'asks a person at once when a sign-in fails with %s: each try counts towards a lockout',
    (code) => {
      const found = classify(signs({ hresults: [`0x80070${code}`] }), 'startMove');
      expect([found, retryOf(found)]).toEqual(['SignInRefused', 'operator']);
    },
  );

  it.each(byEvent)('takes event $id without an HRESULT for $code', ({ id, code }) => {
    expect(classify(signs({ eventIds: [id] }), 'startMove')).toBe(code);
    expect(classify(signs({ eventIds: [id], hresults: [generic] }), 'startMove')).toBe(code);
  });

  it.each(codes)('takes the id %s of the port for the code of that name', (code) => {
    expect(classify(signs({ errorIds: [code], hresults: ['0x80072746'] }))).toBe(code);
    expect(classify(signs({ errorIds: [`${code},Watari.Invoke`] }))).toBe(code);
  });

  it.each<[string, Partial<Signs>, string | undefined, FailureCode]>([
    [
      'the innermost known HRESULT',
      { hresults: ['0x800705B4', '0x8007274D'] },
      'startMove',
      'ConnectionRefused',
    ],
    [
      'a cause wrapped in E_FAIL',
      { hresults: [generic, '0x800705AA', generic] },
      'startMove',
      'TargetOutOfResources',
    ],
    [
      'a bare Win32 code',
      { hresults: ['0x000013AB'], eventIds: [21502] },
      'startMove',
      'NoClusterNetwork',
    ],
    ['a lower-case code without 0x', { hresults: ['80071398'] }, 'startMove', 'NotPossibleOwner'],
    [
      'an HRESULT before an event',
      { hresults: ['0x80072746'], eventIds: [21501] },
      'startMove',
      'ConnectionReset',
    ],
    [
      'an event before E_FAIL',
      { hresults: [generic], eventIds: [21502, 21159] },
      'startMove',
      'SwitchMissingOnTarget',
    ],
    ['free text that stands alone', { eventIds: [21501] }, 'startMove', 'MigrationLimitReached'],
    [
      'anything but free text beside another event',
      { hresults: [generic], eventIds: [21501, 21502] },
      'startMove',
      'MoveFailed',
    ],
    [
      'anything but free text beside a code',
      { hresults: ['0x80079999'], eventIds: [21501] },
      'startMove',
      'MoveFailedWithCode',
    ],
    ['a refused sign-in', { hresults: ['0x80070775'] }, 'startMove', 'SignInRefused'],
    [
      'an id of the cluster',
      { errorIds: ['ClusterRpcConnection,X.Y'] },
      'readRoles',
      'ClusterUnreachable',
    ],
    [
      'a failed prerequisite',
      { errorIds: ['Alteration_PrerequisiteCheck_Failed,Microsoft.Windows.ServerManager.X'] },
      'installFeatures',
      'NoVirtualization',
    ],
    ['a failure before a warning', { eventIds: [1672, 20417] }, 'startMove', 'NodeQuarantined'],
    [
      'the two codes of a lower-case name',
      { hresults: ['0x80042001', '0x8007000D'] },
      'startMove',
      'ComputerNameCase',
    ],
    ['E_FAIL of a move', { hresults: [generic] }, 'startMove', 'MoveFailed'],
    ['E_FAIL in a migration state', { hresults: [generic] }, undefined, 'MoveFailed'],
    ['E_FAIL of anything else', { hresults: [generic] }, 'addRole', 'Unexpected'],
    ['a move without signs', {}, 'startMove', 'MoveFailed'],
    ['anything else without signs', {}, 'addRole', 'Unexpected'],
    ['a file that is missing at creation', { hresults: ['0x80070002'] }, 'createVm', 'DiskMissing'],
    ['a file that is missing elsewhere', { hresults: ['0x80070002'] }, 'addRole', 'Unexpected'],
    ['no answer', { outcome: 'unknown' }, 'startMove', 'OutcomeUnknown'],
    [
      'no answer and only E_FAIL',
      { outcome: 'unknown', hresults: [generic] },
      'startMove',
      'OutcomeUnknown',
    ],
    [
      'no answer with a known cause',
      { outcome: 'unknown', hresults: ['0x800706BA'] },
      'readRoles',
      'ClusterUnreachable',
    ],
    ['an id that nobody knows', { errorIds: ['InvalidParameter,Get-VM'] }, 'readVms', 'Unexpected'],
    ['success codes', { hresults: ['0x00000000', '0'] }, 'readVms', 'Unexpected'],
  ])('decides by %s', (_name, over, op, code) => {
    expect(classify(signs(over), op)).toBe(code);
  });

  it('answers a code of the table whatever the signs are', () => {
    const sign = fc.oneof(fc.string(), fc.constantFrom('0x', '-1', '__proto__', 'constructor,x'));
    fc.assert(
      fc.property(
        fc.array(sign),
        fc.array(fc.integer()),
        fc.array(sign),
        fc.string(),
        (h, e, i, op) => {
          const code = classify({ hresults: h, eventIds: e, errorIds: i, outcome: 'refused' }, op);
          expect(isFailureCode(code)).toBe(true);
        },
      ),
    );
  });
});

describe('normalizeHresult', () => {
  it.each<[string, string | null]>([
    ['0x80071398', '0x80071398'],
    ['0x8007271d', '0x8007271D'],
    ['80042001', '0x80042001'],
    ['-2147467259', '0x80004005'],
    ['0x000013AB', '0x800713AB'],
    ['0x3B', '0x8007003B'],
    [' 0x80004005 ', '0x80004005'],
    ['0x00000000', null],
    ['0', null],
    ['', null],
    ['失敗', null],
    ['-9999999999', null],
  ])('makes %j into %j', (text, hresult) => {
    expect(normalizeHresult(text)).toBe(hresult);
  });
});

it('has rows for every error that the port names', () => {
  const port = readFileSync(new URL('../../hyperv/host.ts', import.meta.url), 'utf8');
  const named = [...port.matchAll(/[Ff]ails? with `([A-Z]\w+)`|with `([A-Z]\w+)` when/g)];
  const ids = named.map((m) => m[1] ?? m[2] ?? '');
  expect(ids.length).toBeGreaterThanOrEqual(4);
  expect(ids.filter((id) => !isFailureCode(id))).toEqual([]);
});

it('knows every error of the PowerShell module and its driver, by its id or by its HRESULT', () => {
  const folder = new URL('../../hyperv/powershell/', import.meta.url);
  const sources = readdirSync(folder)
    .filter((name) => /\.(ps1|ts)$/.test(name))
    .map((name) => readFileSync(new URL(name, folder), 'utf8'))
    .join('\n');
  const thrown = [...sources.matchAll(/New-ModuleError -Id '(\w+)'(?: -HResult '(0x\w+)')?/g)];
  const given = [...sources.matchAll(/errorId: (?:missing \? )?'(\w+)'/g)];
  const errors = [...thrown, ...given].map(([, id = '', hresult]) => ({ id, hresult }));
  expect(errors.length).toBeGreaterThanOrEqual(20);
  const unknown = errors.filter(({ id, hresult }) => {
    const hresults = hresult === undefined ? [] : [hresult];
    return (
      classify({ hresults, eventIds: [], errorIds: [id], outcome: 'refused' }) === 'Unexpected'
    );
  });
  expect(unknown).toEqual([]);
});

it.each([
  ['0x8007ABCD', 'addRole', 'Unexpected', 'Win32 error 43981'],
  ['0x800704CF', 'startMove', 'MoveFailedWithCode', 'the network location cannot be reached'],
  ['0x80048054', 'startMove', 'NasFault', 'it may also be that the VM uses processor features'],
] as const)('says what Windows says of %s, and what else it means', (hresult, op, code, words) => {
  const err = new HypervError('it failed', { op, node: 'HV1', outcome: 'refused', hresult });
  const { type, message } = asFailure(err) as ApplicationFailure;
  expect(type).toBe(code);
  expect(message).toContain(words);
});

describe('the message of a refused operation', () => {
  it.each([
    ['HV2 is down', 'HV2 is down. the'],
    ['The node was not found.', 'The node was not found. the'],
    ['ノードが見つかりません。', 'ノードが見つかりません。 the'],
  ])('ends %s once', (said, shown) => {
    const info = {
      op: 'startMove',
      node: 'HV1',
      outcome: 'refused',
      hresult: '0x800713BA',
    } as const;
    const { message } = asFailure(new HypervError(said, info)) as Error;
    expect(message).toContain(`startMove was refused on HV1 (0x800713BA): ${shown}`);
  });
});
