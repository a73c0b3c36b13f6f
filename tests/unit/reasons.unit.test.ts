// Who did it and why, as the record of a run keeps it: what is demanded, what is asked for at a terminal, and what goes
// to the server with a start and a cancellation.
import os from 'node:os';
import { describe, expect, it } from 'vitest';
import { certificateName, whoActs } from '../../client/who.ts';
import { runCli } from '../../client/program.ts';
import { startRun, type StartRequest } from '../../client/runs/start.ts';
import { cancelRun } from '../../client/runs/steer.ts';
import type { Temporal } from '../../client/temporal/connection.ts';
import { makeAuthority, makeClient } from '../../client/tls/certificates.ts';
import { refuseInput, refuseMeaning } from '../../domain/inputs.ts';
import { fakeClock, fakeContext, fakeTerminal } from '../support/client-fakes.ts';

const connected = new Error('connected');

/** Ends where the server would be asked. */
async function cli(argv: string[], o: { canAsk?: boolean; answer?: string } = {}) {
  const terminal = fakeTerminal(o);
  const context = () =>
    fakeContext({ cwd: os.tmpdir(), terminal, connect: () => Promise.reject(connected) });
  const code = await runCli(argv, { terminal, context, debug: false });
  return { code, terminal, err: terminal.stderr.text() };
}

describe.each(['abort', 'skip'])('run %s', (verb) => {
  it('without a reason is refused before anything is asked of a server', async () => {
    for (const reason of [[], ['--reason', ''], ['--reason', '  ']]) {
      const { code, err } = await cli(['run', verb, 'apply', ...reason]);
      expect(code).toBe(2);
      expect(err).toContain(`${verb} needs a reason`);
      expect(err).toContain(`watari run ${verb} RUN --reason`);
    }
  });

  it('asks for one at a terminal, and takes no silence for an answer', async () => {
    const told = await cli(['run', verb, 'apply'], { canAsk: true, answer: 'wrong file' });
    expect(told.terminal.asked).toEqual([`Why ${verb}? (kept in the record of the run) `]);
    expect(told.err).toContain('connected');
    expect((await cli(['run', verb, 'apply'], { canAsk: true, answer: ' ' })).code).toBe(2);
    const json = await cli(['run', verb, 'apply', '--json'], { canAsk: true, answer: 'x' });
    expect(json.code).toBe(2);
    expect(json.terminal.asked).toEqual([]);
  });

  it('goes on with one', async () => {
    const { err } = await cli(['run', verb, 'apply', '--reason', 'moved by hand']);
    expect(err).toContain('connected');
  });
});

describe('a reason', () => {
  it('is optional for whatever loses nothing', async () => {
    for (const argv of [
      ['run', 'retry', 'apply'],
      ['run', 'cancel', 'apply'],
      ['vm', 'migrate', 'web-1', '-c', 'hv-lab'],
    ]) {
      expect((await cli(argv)).err).toContain('connected');
      expect((await cli([...argv, '--reason', 'updates'])).err).toContain('connected');
    }
  });

  it('that nobody could keep is refused', async () => {
    const long = 'x'.repeat(1001);
    const { code, err } = await cli(['vm', 'migrate', 'web-1', '--reason', long]);
    expect(code).toBe(2);
    expect(err).toContain('1001 characters, at most 1000 are kept');
    const given = { cluster: 'hv-lab', startedBy: 'i@A', vm: 'web-1', reason: long };
    expect(refuseInput('migrateVm', given)).toContain('input.reason is longer');
    expect(refuseMeaning('migrateVm', { ...given, reason: 'updates' })).toBeUndefined();
  });

  it('of a start goes into its input and its memo, and older workers may pass it by', async () => {
    const request: StartRequest = {
      ...{ workflow: 'migrateVm', id: 'watari/hv-lab/vm/web-1/migrate', cluster: 'hv-lab' },
      ...{ summary: 'Move', startedBy: 'ito@PC', input: { vm: 'web-1' } },
    };
    expect(await startedWith(request)).toMatchObject({ args: [{ vm: 'web-1' }] });
    const { args, memo } = await startedWith({ ...request, reason: 'updates' });
    expect(args).toEqual([{ vm: 'web-1', reason: 'updates', mayIgnore: ['reason'] }]);
    expect(memo).toEqual({ startedBy: 'ito@PC', reason: 'updates' });
  });

  it('of a cancellation is kept with who wants it', async () => {
    const sent: unknown[] = [];
    const temporal = {
      namespace: 'default',
      connection: {
        withDeadline: (_at: number, call: () => unknown) => call(),
        workflowService: { requestCancelWorkflowExecution: async (r: unknown) => sent.push(r) },
      },
      client: {
        workflow: {
          getHandle: () => ({ describe: async () => ({ status: { name: 'RUNNING' } }) }),
        },
      },
    } as unknown as Temporal;
    await cancelRun(temporal, 'watari/hv-lab/apply', { by: 'ito@PC', reason: 'too late' });
    expect(sent).toMatchObject([
      {
        workflowExecution: { workflowId: 'watari/hv-lab/apply' },
        identity: 'ito@PC',
        reason: 'too late',
      },
    ]);
  });
});

async function startedWith(request: StartRequest): Promise<{ args: unknown[]; memo: unknown }> {
  let options: unknown;
  const temporal = {
    namespace: 'default',
    connection: {
      withDeadline: (_at: number, call: () => unknown) => call(),
      operatorService: { listSearchAttributes: async () => ({ customAttributes: ATTRIBUTES }) },
    },
    client: {
      workflow: {
        start: async (_name: string, given: unknown) => {
          options = given;
          return { workflowId: request.id, firstExecutionRunId: 'r' };
        },
      },
    },
  } as unknown as Temporal;
  await startRun(temporal, request, fakeClock());
  return options as { args: unknown[]; memo: unknown };
}

const ATTRIBUTES = { WatariCluster: 2, WatariNode: 2, WatariVm: 2, WatariNeedsOperator: 5 };

describe('whoever acts', () => {
  const ctx = fakeContext({ cwd: os.tmpdir() });
  const by = (connectionOptions: object): string =>
    whoActs(ctx, { target: { connectionOptions } } as unknown as Temporal);

  it('is named by the operating system and this computer', () => {
    expect(by({})).toBe('ito@ADMIN-PC');
    expect(by({ tls: true })).toBe('ito@ADMIN-PC');
  });

  it('is named by the client certificate too, where one is shown to the server', async () => {
    const validity = { from: new Date('2026-01-01'), to: new Date('2026-02-01') };
    const authority = await makeAuthority('watari', validity);
    const { certificate } = await makeClient(authority, { validity, commonName: 'ito', names: [] });
    const crt = new TextEncoder().encode(certificate);
    expect(by({ tls: { clientCertPair: { crt } } })).toBe('ito@ADMIN-PC (certificate ito)');
    expect(certificateName({})).toBeNull();
    const broken = { clientCertPair: { crt: new TextEncoder().encode('no certificate') } };
    expect(by({ tls: broken })).toBe('ito@ADMIN-PC');
  });
});
