// The command line without a server: usage, bad input, prompts, exit codes, and what goes to which stream.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mayRestart, planExitCode } from '../../client/commands/cluster.ts';
import { workerNode } from '../../client/commands/worker-options.ts';
import { knownNames } from '../../client/commands/vm.ts';
import { ClientError } from '../../client/errors.ts';
import { runCli } from '../../client/program.ts';
import { exitCodeOf } from '../../client/watch.ts';
import type { Snapshot } from '../../domain/facts.ts';
import { fakeContext, fakeTerminal, step, view } from '../support/client-fakes.ts';

let cwd: string;
beforeAll(() => {
  cwd = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-client-'));
});
afterAll(() => {
  fs.rmSync(cwd, { recursive: true, force: true });
});

const write = (name: string, text: string): void => {
  fs.writeFileSync(path.join(cwd, name), text);
};

async function cli(...argv: string[]) {
  const terminal = fakeTerminal();
  const context = () => fakeContext({ cwd, terminal });
  const code = await runCli(argv, { terminal, context, debug: false });
  return { code, out: terminal.stdout.text(), err: terminal.stderr.text() };
}

const FILE = `cluster: hv-lab
nodes: [HV1, HV2]
virtualMachines:
  - { name: web-1, memory: 10GB, vhd: 'C:\\ClusterStorage\\Volume1\\web-1.vhdx', switch: LAN, generation: 2 }
`;

describe('usage', () => {
  it('prints help to standard output with exit code 0', async () => {
    const { code, out, err } = await cli('cluster', 'plan', '--help');
    expect(code).toBe(0);
    expect(err).toBe('');
    expect(out).toContain('watari cluster plan -f cluster.yaml');
  });

  it.each([
    ['demo'],
    ['cluster', 'plan'],
    ['cluster', 'apply'],
    ['cluster', 'show'],
    ['vm', 'migrate'],
    ['node', 'scan'],
    ['run', 'list'],
    ['run', 'show'],
    ['run', 'watch'],
    ['run', 'retry'],
    ['run', 'skip'],
    ['run', 'abort'],
    ['run', 'cancel'],
    ['worker', 'start'],
    ['server', 'start'],
  ])('%s %s has --json and an example', async (...words) => {
    const { code, out } = await cli(...words.filter(Boolean), '--help');
    expect(code).toBe(0);
    expect(out).toContain('--json');
    expect(out).toMatch(/Examples?:\n {2}\$ watari /);
  });

  it.each([
    [['clutser'], "unknown command 'clutser'", 'Did you mean cluster?'],
    [['run', 'watch'], "missing required argument 'run'", ''],
    [['run', 'list', '--al'], "unknown option '--al'", '--all'],
    [['demo', '--speed', 'fast'], '--speed', ''],
    [['server', 'start', '--port', '99999'], 'A port is a number', ''],
    [['node', 'scan', '--kb', 'november'], '"november" is no article', 'KB5070001'],
    [['node', 'scan', 'HV1', '--not-kb', 'KB1'], '"KB1" is no article', 'KB5070001'],
  ])('%j is refused with exit code 2', async (argv, message, hint) => {
    const { code, out, err } = await cli(...argv);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toContain(message);
    expect(err).toContain(hint);
  });

  it('tells a mistake as JSON on standard output when it was asked to', async () => {
    const { code, out, err } = await cli('run', 'watch', '--json');
    expect(code).toBe(2);
    expect(err).toBe('');
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'Usage' } });
  });
});

describe('bad input', () => {
  const bad: [string, string, RegExp][] = [
    ['missing', '', /missing\.yaml: there is no such file/],
    ['empty', '', /empty\.yaml/],
    ['not YAML', 'nodes: [HV1', /not-YAML\.yaml:\d+:\d+/],
    ['unknown key', `${FILE}prof: [web-1]\n`, /unknown-key\.yaml:5:1.*did you mean prove\?/s],
    ['bananas', FILE.replace('10GB', '10 bananas'), /bananas\.yaml:4:\d+.*"10 bananas"/s],
    ['local disk', FILE.replace('C:\\ClusterStorage', 'D:\\VMs'), /local-disk\.yaml:4:\d+/],
    ['one node', FILE.replace('HV1, HV2', 'HV1'), /one-node\.yaml:2:\d+/],
    ['long name', FILE.replace('HV2', 'x'.repeat(300)), /long-name\.yaml:2:\d+.*300 characters/s],
  ];

  it.each(bad)(
    'a file that is %s is told with its place, exit code 2',
    async (name, text, said) => {
      const file = `${name.replaceAll(' ', '-')}.yaml`;
      if (name !== 'missing') write(file, text);
      for (const verb of ['plan', 'apply']) {
        const { code, err } = await cli('cluster', verb, '-f', file);
        expect(code).toBe(2);
        expect(err).toMatch(said);
        expect(err.split('\n').length).toBeLessThan(24);
        expect(err).not.toMatch(/\n\s+at /);
      }
    },
  );

  it('lists every mistake of a file, and in JSON with its place', async () => {
    write('two.yaml', `${FILE.replace('10GB', '10 bananas')}prof: []\n`);
    const { code, out } = await cli('cluster', 'plan', '-f', 'two.yaml', '--json');
    expect(code).toBe(2);
    const { error } = JSON.parse(out) as { error: { problems: { where: string }[] } };
    expect(error.problems.map((p) => path.basename(p.where))).toEqual([
      'two.yaml:4:28',
      'two.yaml:5:1',
    ]);
  });

  it.each([
    ['x'.repeat(300), 'too long'],
    ['', 'is empty'],
  ])('the VM name %j is refused before anything is asked', async (name, why) => {
    const { code, err } = await cli('vm', 'migrate', name);
    expect(code).toBe(2);
    expect(err).toContain(why);
  });

  it('a scenario that is not there is named', async () => {
    const { code, err } = await cli('demo', '--scenario', 'nope.yaml');
    expect(code).toBe(2);
    expect(err).toContain('nope.yaml');
  });
});

describe('names of a VM and a node', () => {
  const snapshot = {
    view: {
      cluster: { name: 'hv-lab' },
      roles: [
        { name: 'web-1', vmId: 'id-web-1' },
        { name: 'SCVMM db-1 Resources', vmId: 'id-db-1' },
      ],
      nodes: [{ name: 'HV1' }, { name: 'HV2' }],
    },
    nodes: { HV1: { view: { vms: [{ id: 'id-db-1', name: 'db-1' }] } } },
  } as unknown as Snapshot;

  it('are taken in any case and passed on as the cluster writes them', () => {
    expect(knownNames(snapshot, 'WEB-1', 'hv2')).toEqual({ vm: 'web-1', to: 'HV2' });
  });

  it.each(['db-1', 'scvmm db-1 resources', 'ID-DB-1'])('find the role of a VM by %s', (word) => {
    expect(knownNames(snapshot, word, undefined).vm).toBe('SCVMM db-1 Resources');
  });

  it('are refused with what there is', () => {
    expect(() => knownNames(snapshot, 'wbe-1', undefined)).toThrow('no virtual machine "wbe-1"');
    expect(() => knownNames(snapshot, 'web-1', 'HV9')).toThrow('no node "HV9"');
  });
});

describe('a restart', () => {
  const ask = (canAsk: boolean, answer: string, o: { yes?: boolean; json?: boolean } = {}) => {
    const terminal = fakeTerminal({ canAsk, answer });
    return { terminal, allowed: mayRestart(fakeContext({ cwd, terminal }), ['HV1', 'HV2'], o) };
  };

  it('is asked about by name, and no is the default', async () => {
    const no = ask(true, '');
    expect(await no.allowed).toBe(false);
    expect(no.terminal.asked).toEqual(['HV1, HV2 will restart. Go on? [y/N] ']);
    expect(await ask(true, 'maybe').allowed).toBe(false);
    expect(await ask(true, ' Y ').allowed).toBe(true);
    expect(await ask(true, 'yes').allowed).toBe(true);
  });

  it('is not asked about when --yes allows it or nothing restarts', async () => {
    const yes = ask(false, '', { yes: true });
    expect(await yes.allowed).toBe(true);
    expect(yes.terminal.asked).toEqual([]);
    expect(await mayRestart(fakeContext({ cwd }), [], {})).toBe(true);
  });

  it('is refused with exit code 2 when nobody can be asked', async () => {
    for (const { allowed } of [ask(false, 'y'), ask(true, 'y', { json: true })]) {
      const error: unknown = await allowed.catch((err: unknown) => err);
      expect(error).toBeInstanceOf(ClientError);
      expect(error).toMatchObject({ exitCode: 2, code: 'RestartNotAllowed' });
      expect((error as ClientError).hint).toContain('--yes');
    }
  });
});

describe('exit codes', () => {
  it('of a plan are 0 for nothing, 5 for changes, 1 for blockers', () => {
    const change = { id: 'x' } as never;
    expect(planExitCode({ steps: [], blockers: [], unchanged: [] })).toBe(0);
    expect(planExitCode({ steps: [change], blockers: [], unchanged: [] })).toBe(5);
    expect(planExitCode({ steps: [change], blockers: [change], unchanged: [] })).toBe(1);
  });

  it('of a run are 0, 1 or 4', () => {
    expect(exitCodeOf(view([], { state: 'succeeded' }))).toBe(0);
    expect(exitCodeOf(view([], { state: 'cancelled' }))).toBe(1);
    expect(exitCodeOf(view([step('a', { state: 'needs-operator' })]))).toBe(4);
  });
});

describe("a worker's node", () => {
  it('is this computer unless a lab plays another one', () => {
    expect(workerNode('HV1.branch.example', undefined, false)).toBe('HV1');
    expect(workerNode('HV1', 'hv1', false)).toBe('hv1');
    expect(workerNode('ADMIN-PC', 'HV2', true)).toBe('HV2');
    expect(() => workerNode('ADMIN-PC', 'HV2', false)).toThrow(
      'this computer is ADMIN-PC, not HV2',
    );
  });

  it('needs a cluster', async () => {
    const { code, err } = await cli('worker', 'start', '--node', 'HV1');
    expect(code).toBe(2);
    expect(err).toContain('--cluster');
  });
});
