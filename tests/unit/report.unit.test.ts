// Reports of runs, made of histories that were really written: what they tell, in which form, and that nothing from
// outside gets into their markup. What would be caught: a decision, a failure or a cmdlet that a report leaves out.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { payloadCodec } from '../../config/temporal/encryption.ts';
import { runCli } from '../../client/program.ts';
import { fromFiles } from '../../client/report/gather.ts';
import { historyText, readHistoryJson } from '../../client/report/history-json.ts';
import { readRun } from '../../domain/report/read-run.ts';
import { joinRuns } from '../../domain/report/family.ts';
import { withInside, type RunRecord } from '../../domain/report/run-record.ts';
import { fakeContext, fakeTerminal } from '../support/client-fakes.ts';
import { HISTORIES as ALL } from '../replay/kept-histories.ts';

const HISTORIES = path.join(ALL, '0.1.0');
const ABORTED = 'prepareNode.aborted.a7ed10b9.json';
/** The workers' own tasks have no report: nobody started them. */
const kept = fs
  .readdirSync(HISTORIES)
  .filter((name) => !/^(tellPeople|scheduleMoves)\./.test(name));
const file = (name: string): string => path.join(HISTORIES, name);
const record = (name: string): Promise<RunRecord> => fromFiles([file(name)], undefined, []);

let cwd: string;
beforeAll(() => {
  cwd = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-report-'));
});
afterAll(() => {
  fs.rmSync(cwd, { recursive: true, force: true });
});

async function report(...argv: string[]) {
  const terminal = fakeTerminal();
  const context = () => fakeContext({ cwd, terminal });
  const code = await runCli(['run', 'report', ...argv], { terminal, context, debug: false });
  return { code, out: terminal.stdout.text(), err: terminal.stderr.text() };
}

/** A history with this as its decoded input, result or decision, written as Temporal's UI exports decoded ones. */
function written(name: string, change: (text: string) => string): string {
  const at = path.join(cwd, name);
  fs.writeFileSync(at, change(fs.readFileSync(file(ABORTED), 'utf8')));
  return at;
}

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');

describe('a record', () => {
  it.each(kept)('of %s has every task, decision and child of its history', async (name) => {
    const text = fs.readFileSync(file(name), 'utf8');
    const count = (what: RegExp): number => text.match(what)?.length ?? 0;
    const r = await record(name);
    expect(r.run).toMatch(/^watari\//);
    expect(r.startedBy).not.toBeNull();
    expect(r.title).not.toBe(r.run);
    expect(r.acts).toHaveLength(count(/"EVENT_TYPE_ACTIVITY_TASK_SCHEDULED"/g));
    expect(r.acts.filter((a) => a.state === 'failed')).toHaveLength(
      count(/"EVENT_TYPE_ACTIVITY_TASK_(FAILED|TIMED_OUT)"/g),
    );
    expect(r.children).toHaveLength(
      count(/"EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED"/g),
    );
    expect(r.decisions.length).toBeGreaterThanOrEqual(
      count(/"EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED"/g),
    );
    // Who did it is known of everything that a worker took.
    for (const act of r.acts) if (act.startedAt !== null) expect(act.doneBy).toMatch(/^HV\d$/);
  });

  it.each([
    ['migrateVm.completed.051c3840.json', 'succeeded'],
    ['migrateVm.failed.5d060bb4.json', 'aborted'],
    ['applyCluster.cancelled.c92518ad.json', 'cancelled'],
    [ABORTED, 'aborted'],
    ['prepareNode.parked.93ed64e1.json', 'needs-operator'],
  ])('of %s ends as %s', async (name, state) => {
    expect((await record(name)).state).toBe(state);
  });

  it('of an aborted preparation says who gave up, where, why, and what was taken back', async () => {
    const r = await record(ABORTED);
    expect(r).toMatchObject({
      workflow: 'prepareNode',
      title: 'Prepare node HV1',
      cluster: 't18y-8',
      startedBy: 'test@lab',
      failure: { code: 'Aborted' },
    });
    expect(r.decisions).toMatchObject([
      { step: 'hv1/restart', action: 'abort', by: 'ito@lab', reason: 'test', taken: true },
    ]);
    expect(r.waits).toMatchObject([{ kind: 'person', title: 'Restart HV1', code: 'AccessDenied' }]);
    const restart = r.acts.find((a) => a.activity === 'requestRestart');
    expect(restart).toMatchObject({ state: 'failed', failure: { code: 'AccessDenied' } });
    expect(r.acts.at(-1)).toMatchObject({
      kind: 'back',
      node: 'HV1',
      doneBy: 'HV2',
      cmdlets: ["Resume-ClusterNode -Name 'HV1' -Failback NoFailback"],
    });
  });

  it('tells a signal that was refused from the update that was taken after it', async () => {
    const { decisions } = await record('applyCluster.aborted.0f38c6c9.json');
    expect(decisions.map((d) => [d.action, d.taken])).toEqual([
      ['retry', false],
      ['abort', true],
    ]);
  });

  it('knows which boot a node had before and after', async () => {
    const { nodes } = await record('applyCluster.failed.649c98bb.json');
    const hv1 = nodes.find((n) => n.node === 'HV1');
    expect(hv1?.first.osVersion).toBe('10.0.26100');
    expect(Date.parse(hv1?.last.bootTime ?? '')).toBeGreaterThan(
      Date.parse(hv1?.first.bootTime ?? ''),
    );
  });
});

describe('histories of a run and of a run inside it', () => {
  const started = (run: string, child: string) => ({
    ...{ run, runId: null, state: 'succeeded', decisions: [], acts: [], waits: [], gaps: [] },
    children: [
      { run: child, runId: null, state: 'running', endedAt: null, failure: null, record: null },
    ],
  });

  it('are one report, whichever file comes first', async () => {
    const child = written('child.json', (text) =>
      text
        .replace('watari/t18y-8/node/hv1/prepare', 'watari/t18y-8/vm/web-1/migrate')
        .replace('01a20d5e-7704-79ab-a214-86cba7ed10b9', '01a20d5e-7bc3-71df-8b18-1ea3b90abcee'),
    );
    for (const files of [
      [file(ABORTED), child],
      [child, file(ABORTED)],
    ]) {
      const r = await fromFiles(files, undefined, []);
      expect(r.run).toBe('watari/t18y-8/node/hv1/prepare');
      expect(withInside(r).map((one) => one.run)).toContain('watari/t18y-8/vm/web-1/migrate');
    }
    const inner = await fromFiles([file(ABORTED), child], 'web-1/migrate', []);
    expect(inner.run).toBe('watari/t18y-8/vm/web-1/migrate');
  });

  it('that were really written are joined by the id of each run', async () => {
    const [root, ...inside] = [
      'applyCluster.failed.649c98bb.json',
      'prepareNode.completed.5c8276f2.json',
      'createVm.completed.e823ebb6.json',
      'migrateVm.failed.cbf1f7b2.json',
      'migrateVm.completed.70edf800.json',
    ].map(file);
    const r = await fromFiles([...inside, root!], undefined, []);
    expect(r.workflow).toBe('applyCluster');
    expect(withInside(r)).toHaveLength(5);
    const { out } = await report('--html', '--history', root!, ...inside);
    expect(out).toContain('Move-ClusterVirtualMachineRole');
    expect(out).toContain('New-VM');
    expect(out.match(/<g class="head">/g)).toHaveLength(5);
  });

  it('that have nothing to do with each other are refused, unless one is named', async () => {
    const files = ['--history', file(ABORTED), file('migrateVm.failed.5d060bb4.json')];
    const refused = await report(...files);
    expect(refused.code).toBe(2);
    expect(refused.err).toContain('watari/tbzf-3/vm/web-1/migrate');
    expect((await report('hv1/prepare', ...files)).code).toBe(0);
  });

  it('that claim to have started each other end all the same', () => {
    const [a, b] = [started('a', 'b'), started('b', 'a')] as unknown as [RunRecord, RunRecord];
    expect(joinRuns([a, b]).map((r) => r.run)).toEqual(['a']);
    expect(withInside(a).map((r) => r.run)).toEqual(['a', 'b']);
  });
});

describe('a report', () => {
  it('in Markdown tells outcome, decision, failure, cmdlets and what is missing', async () => {
    const { code, out } = await report('--history', file(ABORTED));
    expect(code).toBe(0);
    expect(out).toContain('# Prepare node HV1: aborted');
    expect(out).toContain('ito@lab');
    expect(out).toContain('AccessDenied');
    expect(out).toContain("Install-WindowsFeature -Name 'BitLocker' -IncludeManagementTools");
    expect(out).toContain('What was done inside watari/t18y-8/vm/web-1/migrate: no history');
  });

  it.each(kept)('in HTML of %s needs no script and fetches nothing', async (name) => {
    const { code, out } = await report('--history', file(name), '--html');
    expect(code).toBe(0);
    expect(out).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(out).not.toMatch(/<(script|link|img|iframe|object|embed)\b|\bon\w+=|url\(|https?:/i);
    expect(out).toContain("default-src 'none'");
    // One that was refused at once has nothing to draw.
    const { acts, children } = await record(name);
    const hasWork = acts.length > 0 || children.length > 0;
    expect(/<svg[^>]* role="img" aria-labelledby=/.test(out)).toBe(hasWork);
    expect(out).not.toContain('NaN');
    expect(out).not.toContain('undefined');
    for (const id of out.matchAll(/aria-labelledby="([^"]+)"/g)) {
      for (const one of id[1]!.split(' ')) expect(out).toContain(`id="${one}"`);
    }
  });

  it('as JSON is the record', async () => {
    const { out } = await report('--history', file(ABORTED), '--json');
    expect(JSON.parse(out)).toMatchObject({ report: 1, state: 'aborted', workflow: 'prepareNode' });
  });

  it('goes into the file that is named', async () => {
    const to = path.join(cwd, 'run.html');
    const { code, out } = await report('--history', file(ABORTED), '--html', '--out', to);
    expect(code).toBe(0);
    expect(out).toContain(to);
    expect(fs.readFileSync(to, 'utf8')).toContain('Prepare node HV1');
  });

  it('escapes whatever comes from outside, in HTML and in Markdown', async () => {
    const evil = '<script>alert(1)</script>"\'&\u202ekcab|`x`';
    const at = written('evil.json', (text) =>
      text
        .replaceAll(base64('Install BitLocker on HV1'), base64(evil))
        .replaceAll(
          base64({ by: 'ito@lab', reason: 'test', step: 'hv1/restart', action: 'abort' }),
          base64({ by: evil, reason: evil, step: evil, action: 'abort' }),
        )
        .replaceAll('HV1/node/1618', `${JSON.stringify(evil).slice(1, -1)}/node/1618`)
        .replaceAll('watari/t18y-8/node/hv1/prepare', JSON.stringify(evil).slice(1, -1)),
    );
    for (const form of ['--html', '--md']) {
      const { code, out } = await report('--history', at, form);
      expect(code).toBe(0);
      expect(out).toContain('&lt;');
      expect(out).not.toContain('<script');
      expect(out).not.toContain('\u202e');
      expect(out).toMatch(/\\{1,2}u202e/);
      expect(out.match(/alert/g)?.length).toBeGreaterThan(6);
    }
    const { out } = await report('--history', at, '--md');
    const rows = out.split('\n').filter((line) => line.startsWith('| '));
    // A `|` of a name makes no column.
    const columns = (row: string): number => row.replaceAll('\\|', '').split('|').length;
    expect(new Set(rows.map(columns)).size).toBeLessThanOrEqual(3);
  });

  it('is made of a history with encrypted payloads, and says what it could not read', async () => {
    const key = { id: 'k1', key: Buffer.alloc(32, 7) } as unknown as Parameters<
      typeof payloadCodec
    >[0][number];
    const codec = payloadCodec([key]);
    const history = JSON.parse(fs.readFileSync(file(ABORTED), 'utf8')) as object;
    const encrypted = JSON.stringify(await encryptAll(history, codec));
    const at = path.join(cwd, 'encrypted.json');
    fs.writeFileSync(at, encrypted);
    const blind = await fromFiles([at], undefined, [payloadCodec([])]);
    expect(blind).toMatchObject({ state: 'aborted', startedBy: null, decisions: [] });
    expect(blind.gaps.join()).toContain('encrypted with the key "k1"');
    const seeing = await fromFiles([at], undefined, [codec]);
    expect(seeing).toEqual(await record(ABORTED));
    const { out } = await report('--history', at, '--html');
    expect(out).toContain('This report is not complete');
    expect(out).not.toContain('BitLocker');
  });
});

async function encryptAll(
  value: unknown,
  codec: ReturnType<typeof payloadCodec>,
): Promise<unknown> {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return Promise.all(value.map((one) => encryptAll(one, codec)));
  const { metadata, data } = value as { metadata?: Record<string, string>; data?: string };
  if (metadata?.['encoding'] === undefined) {
    const inner = Object.entries(value).map(
      async ([k, v]) => [k, await encryptAll(v, codec)] as const,
    );
    return Object.fromEntries(await Promise.all(inner));
  }
  const bytes = (text: string) => Buffer.from(text, 'base64');
  const plain = Object.fromEntries(Object.entries(metadata).map(([k, v]) => [k, bytes(v)]));
  const [payload] = await codec.encode([{ metadata: plain, data: bytes(data ?? '') }]);
  const text = (b: Uint8Array | null | undefined) => Buffer.from(b ?? []).toString('base64');
  const meta = Object.entries(payload?.metadata ?? {}).map(([k, v]) => [k, text(v)] as const);
  return { metadata: Object.fromEntries(meta), data: text(payload?.data) };
}

describe('a history', () => {
  it.each([
    ['nothing', '', 'is not JSON'],
    ['a list of numbers', '[1]', 'no list of events'],
    ['another JSON', '{"a":1}', 'no list of events'],
    ['no events', '{"events":[]}', 'does not begin with the start'],
    ['its end alone', '{"events":[{"eventId":"9","eventType":"x"}]}', 'does not begin'],
    ['depth', `${'['.repeat(5000)}${']'.repeat(5000)}`, 'no list of events'],
  ])('that is %s is refused with how to export one', async (_, text, said) => {
    const at = path.join(cwd, 'bad.json');
    fs.writeFileSync(at, text);
    const { code, err } = await report('--history', at);
    expect(code).toBe(2);
    expect(err).toContain(said);
  });

  it('is read as the UI exports it, with payloads that are decoded already', async () => {
    const { events } = await readHistoryJson(fs.readFileSync(file(ABORTED), 'utf8'), [], 'x');
    const decoded = {
      events: events.map(({ id, at, kind, data, summary }) => ({
        eventId: String(id),
        eventTime: at,
        userMetadata: { summary },
        [`${kind}EventAttributes`]: data,
      })),
    };
    const again = await readHistoryJson(JSON.stringify(decoded), [], 'x');
    expect(readRun(again.events)).toEqual(readRun(events));
  });

  it('is read as Windows PowerShell writes it', async () => {
    const text = fs.readFileSync(file(ABORTED), 'utf8');
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);
    expect(historyText(utf16)).toBe(text);
    expect(historyText(Buffer.from(`\ufeff${text}`))).toBe(text);
  });

  it('and no run is a wrong usage, and so are two forms at once', async () => {
    expect((await report()).code).toBe(2);
    expect((await report('--history', file(ABORTED), '--html', '--json')).code).toBe(2);
  });
});
