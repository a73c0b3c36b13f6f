// Why a move failed: which entries of the logs decide, what the choice of the node adds, and in which words.
import { describe, expect, it } from 'vitest';
import { eventIsAbout } from '../../domain/event-about.ts';
import type { EventFacts } from '../../domain/event-facts.ts';
import { causeOfMove, codeByFacts, type FailedMove } from '../../domain/move-cause.ts';
import { wordsOf } from '../../domain/windows-words.ts';

const ID = '5c8a0e4e-0000-4000-8000-000000000001';
const OTHER = '5c8a0e4e-0000-4000-8000-000000000009';

let recordId = 0;
const event = (over: Partial<EventFacts> = {}): EventFacts => ({
  log: 'Microsoft-Windows-Hyper-V-High-Availability-Admin',
  id: 21502,
  level: 2,
  recordId: (recordId += 1),
  node: 'HV1',
  time: '2026-11-24T09:00:10.000Z',
  message: '特定できないエラーです',
  hresult: null,
  vm: 'db-1',
  vmIds: [],
  ...over,
});
const reason = (code: string) => ({ kind: 'note', code, text: `the ${code}` }) as const;
const move = (events: EventFacts[], over: Partial<FailedMove> = {}): FailedMove => ({
  vm: 'db-1',
  since: '2026-11-24T09:00:00.000Z',
  askedBy: 'HV1',
  hresult: '0x80004005',
  events,
  known: { reasons: [], disks: ['C:\\ClusterStorage\\Volume1\\db-1.vhdx'] },
  ...over,
});
const codeOf = (...given: Parameters<typeof move>): string => causeOfMove(move(...given)).code;

describe('whose an entry is', () => {
  it.each<[string, Partial<EventFacts>, string]>([
    ['its id anywhere', { vm: null, vmIds: [OTHER, ID] }, 'it'],
    ['its id under another name', { vm: 'SCVMM db-1', vmIds: [ID.toUpperCase()] }, 'it'],
    ['its name alone', { vm: 'DB-1' }, 'it'],
    ['its name with the id of another VM', { vm: 'db-1', vmIds: [OTHER] }, 'another'],
    ['the name of another VM', { vm: 'db-9' }, 'another'],
    ['neither name nor id', { vm: null }, 'unknown'],
    ['an id of something', { vm: null, vmIds: [OTHER] }, 'unknown'],
  ])('is told by %s', (_name, over, about) => {
    expect(eventIsAbout(event(over), { vm: 'db-1', vmId: ID })).toBe(about);
  });

  it('is told by the name where a run of an earlier version asks', () => {
    expect(eventIsAbout(event({ vmIds: [ID] }), { vm: 'db-1' })).toBe('it');
  });
});

describe('the cause of a failed move', () => {
  const another = event({ id: 1069, vm: null, hresult: '0xC03A0014', message: '仮想マシン db-9' });

  it("is in the VM's own entries, and one that may be about another VM is shown and decides nothing", () => {
    const { code, text } = causeOfMove(move([event({ hresult: '0x80004005' }), another]));
    expect(code).toBe('MoveFailed');
    expect(text).toMatch(/^Event 21502 on HV1 \(0x80004005\): 特定できないエラーです\./);
    expect(text).toContain('perhaps not about db-1 and not counted: Event 1069 on HV1');
  });

  it('is in an entry of unknown owner where there is no other, and that is said', () => {
    const { code, text } = causeOfMove(move([another]));
    expect(code).toBe('IsoAttached');
    expect(text).toContain('Whether it is about db-1 is not certain.');
  });

  it('is not in what was written before the move began', () => {
    const early = { time: '2026-11-24T08:59:30.000Z', hresult: '0x80072746' };
    expect(codeOf([event(early)])).toBe('MoveFailed');
    expect(codeOf([event({ ...early, vm: null, node: 'HV2' })])).toBe('MoveFailed');
    expect(codeOf([event({ ...early, node: 'HV2' }), event({ hresult: '0x800705AA' })])).toBe(
      'TargetOutOfResources',
    );
  });

  it('is in the entries of one end only, whose clock may be behind', () => {
    expect(codeOf([event({ node: 'HV2', hresult: '0x80072746' })])).toBe('ConnectionReset');
    const behind = { node: 'HV2', time: '2026-11-24T08:59:30.000Z' };
    expect(codeOf([event({ ...behind, hresult: '0x80072746' })])).toBe('ConnectionReset');
  });

  it.each<[string, string | null, string[], string]>([
    ['differing processors', '0x80004005', ['cpu-model'], 'CpuFeaturesDiffer'],
    ['a backup', '0x800700AA', ['vm-busy'], 'VmBusy'],
    ['a backup and no code', null, ['vm-busy', 'cpu-model'], 'VmBusy'],
    ['nothing of the kind', '0x800700AA', ['memory'], 'MigrationInProgress'],
    [
      'differing processors and a code that says more',
      '0x80072746',
      ['cpu-model'],
      'ConnectionReset',
    ],
  ])('is what the choice of the node has told: %s', (_name, hresult, reasons, code) => {
    const known = { reasons: reasons.map(reason), disks: [] };
    expect(codeOf([event()], { hresult, known })).toBe(code);
  });

  it('leaves a code that says enough as it is', () => {
    const known = { reasons: [reason('vm-busy'), reason('cpu-model')], disks: [] };
    expect(codeByFacts('MoveCancelled', known)).toBe('MoveCancelled');
  });

  it.each([
    ['C:\\ClusterStorage\\Volume1\\db-1.vhdx', 'CpuFeaturesDiffer', 'SMB storage'],
    ['\\\\nas\\vms\\db-1.vhdx', 'NasFault', 'processor features or mitigations'],
  ])(
    'with several causes names them all, the one that the disk %s supports first',
    (disk, first, other) => {
      const { code, text } = causeOfMove(
        move([event({ hresult: '0x80048054' })], { known: { reasons: [], disks: [disk] } }),
      );
      expect(code).toBe(first);
      expect(text).toContain(`It may also be that`);
      expect(text).toContain(other);
    },
  );

  it('does not turn into a second meaning of a code that did not decide', () => {
    const entries = [event({ hresult: '0x80048054' }), event({ hresult: '0x80072746' })];
    expect(codeOf(entries)).toBe('ConnectionReset');
  });

  it.each([
    ['0x800704CF', 'the network location cannot be reached'],
    ['0x8007ABCD', 'net helpmsg 43981'],
    ['0x80090331', 'security packages'],
  ])('that the table lacks is told as what Windows says of %s', (hresult, words) => {
    const { code, text } = causeOfMove(move([event({ hresult })]));
    expect(code).toBe('MoveFailedWithCode');
    expect(text).toContain(`${hresult} is ${wordsOf(hresult)}.`);
    expect(text).toContain(words);
  });
});
