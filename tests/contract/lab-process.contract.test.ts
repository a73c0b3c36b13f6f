// The lab's own program: what it prints, how it ends, and what it says to bad input.
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { LabState } from '../../lab/machine/state.ts';
import { ROOT } from '../support/built-setup.ts';
import { type Program, isAlive } from '../../proof/rig/processes.ts';
import { waitFor } from '../../proof/rig/waiting.ts';
import { killAll, startNode } from '../support/processes.ts';
import { endsWithTest, temporaryFolder } from '../support/ends.ts';

const PROGRAM = path.join(ROOT, 'dist', 'lab', 'main.js');
const SCENARIO = path.join(ROOT, 'lab', 'scenarios', 'two-nodes.yaml');

interface Started {
  url: string;
  pid: number;
}

describe("the lab's program", () => {
  let folder: string;
  const ends = endsWithTest();
  beforeEach(() => {
    folder = temporaryFolder('watari-lab-', ends);
    ends(killAll);
  });

  const lab = (args: string[], stdin: 'pipe' | 'ignore' = 'ignore'): Program =>
    startNode([PROGRAM, ...args], { cwd: folder, stdin });

  async function run(args: string[]): Promise<{ code: number | string; out: string; err: string }> {
    const running = lab(args);
    const code = await running.ended;
    return { code, out: running.stdout(), err: running.stderr() };
  }

  async function started(more: string[] = [], stdin: 'pipe' | 'ignore' = 'ignore') {
    const running = lab(['start', '--scenario', SCENARIO, '--port', '0', '--json', ...more], stdin);
    const line = await waitFor(
      'the first line of the lab',
      () => running.stdout().split('\n').slice(0, -1)[0],
      { saw: () => running.stderr() },
    );
    return { running, line, ...(JSON.parse(line) as Started) };
  }

  it('prints its address and process id as the first line, and then answers', async () => {
    const { url, pid, running } = await started();
    expect(pid).toBe(running.pid);
    const state = (await (await fetch(`${url}/state`)).json()) as LabState;
    expect(state.cluster.name).toBe('two-nodes');
    expect(state.speed).toBe(60);
  });

  it.each([
    [['show', '--url', 'http://127.0.0.1:1', '--json'], 1, 'LabUnreachable'],
    [['start', '--scenario', 'nope.yaml', '--json'], 2, 'BadInput'],
    [['start', '--powershell', '--json'], 2, 'Usage'],
    [['crash', 'HV1', '--url', 'http://127.0.0.1:1', '--json'], 1, 'LabUnreachable'],
    [['frob', '--json'], 2, 'Usage'],
    [['start', '--frob', '--json'], 2, 'Usage'],
  ])('prints %j, which fails, as one JSON document', async (args, code, word) => {
    const ended = await run(args);
    expect(ended).toMatchObject({ code, err: '' });
    const { error } = JSON.parse(ended.out) as { error: Record<string, unknown> };
    expect(error).toMatchObject({ code: word, hint: expect.any(String) as string });
    expect(error['message']).toMatch(/\S/);
  });

  it('ends by itself when its owner is gone', async () => {
    const { running } = await started(['--owned'], 'pipe');
    running.child.stdin?.end();
    expect(await running.ended).toBe(0);
  });

  it('outlives a closed standard input when it is not owned', async () => {
    const { running, url } = await started([], 'pipe');
    running.child.stdin?.end();
    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect(isAlive(running.pid)).toBe(true);
  });

  it('ends when it is told to over its door', async () => {
    const { running, url } = await started();
    await fetch(`${url}/control`, { method: 'POST', body: '{"action":"stop"}' });
    expect(await running.ended).toBe(0);
  });

  it('shows nodes, VMs and faults as tables or as JSON', async () => {
    const { url } = await started();
    const tables = await run(['show', '--url', url]);
    expect(tables.code).toBe(0);
    for (const word of ['two-nodes', 'Nodes', 'HV2', 'Virtual machines', 'db-1'])
      expect(tables.out).toContain(word);
    const json = await run(['show', '--url', url, '--json']);
    expect((JSON.parse(json.out) as LabState).vms).toHaveLength(3);
  });

  it('switches nodes off and on, and says when there is nothing to do', async () => {
    const { url } = await started();
    expect((await run(['power-off', 'HV2', '--url', url])).out).toBe('HV2 is off now.\n');
    expect((await run(['power-off', 'HV2', '--url', url])).out).toBe('HV2 is off already.\n');
    expect((await run(['crash', 'HV2', '--url', url])).out).toContain('cannot crash');
    expect((await run(['power-on', 'HV2', '--url', url])).out).toBe('HV2 boots now.\n');
    expect((await run(['clear-faults', '--url', url])).code).toBe(0);
  });

  const scenario = (text: string): string => {
    const file = path.join(folder, 'bad.yaml');
    fs.writeFileSync(file, text);
    return file;
  };
  const refusals: [string, () => string[], RegExp][] = [
    [
      'a scenario that is not there',
      () => ['start', '-s', 'none.yaml'],
      /none\.yaml.*no such file/,
    ],
    [
      'an unknown operation',
      () => [
        'start',
        '-s',
        scenario('cluster: c\nnodes: [{ name: N, memory: 8GB }]\nfaults: [{ on: startMov }]\n'),
      ],
      /bad\.yaml:3:16 .*did you mean startMove\?/,
    ],
    ['a port that is none', () => ['start', '--port', 'banana'], /port is a number/],
    ['a speed that is none', () => ['start', '--speed', '0'], /speed is a number above 0/],
    ['--powershell without workers', () => ['start', '-s', SCENARIO, '--powershell'], /--workers/],
    ['an unknown option', () => ['start', '--sped', '3'], /--speed/],
    ['an unknown command', () => ['stat'], /start/],
  ];
  it.each(refusals)('refuses %s with exit code 2 and no stack', async (_what, args, says) => {
    const { code, err, out } = await run(args());
    expect(code).toBe(2);
    expect(err).toMatch(says);
    expect(err).not.toMatch(/\n\s+at /);
    expect(err.split('\n').length).toBeLessThan(12);
    expect(out).toBe('');
  });

  it('writes the stand-ins of the Windows modules and says how to use them', async () => {
    const { code, out } = await run(['modules', '--out', 'stand ins']);
    expect(code).toBe(0);
    for (const name of ['PSModulePath', 'LAB_URL', 'LAB_NODE']) expect(out).toContain(name);
    const written = fs.readdirSync(path.join(folder, 'stand ins'));
    for (const name of ['Hyper-V', 'FailoverClusters', 'ServerManager', 'CimCmdlets', 'LabCore'])
      expect(written).toContain(name);
  });

  it('says what is missing when there is no PowerShell for its workers', async () => {
    const running = startNode([PROGRAM, 'start', '-s', SCENARIO, '--workers', '--powershell'], {
      cwd: folder,
      env: { WATARI_PWSH: path.join(folder, 'no-pwsh') },
    });
    expect(await running.ended).toBe(1);
    expect(running.stderr()).toContain('no-pwsh');
    expect(running.stderr()).not.toMatch(/\n\s+at /);
  });

  it('refuses a node that the lab does not have, and names those it has', async () => {
    const { url } = await started();
    const { code, err } = await run(['crash', 'HV9', '--url', url]);
    expect(code).toBe(2);
    expect(err).toContain('HV1, HV2');
  });

  it('says what to do when the port is taken or nobody answers', async () => {
    const { url } = await started();
    const taken = await run(['start', '-s', SCENARIO, '--port', new URL(url).port]);
    expect(taken.code).toBe(1);
    expect(taken.err).toContain('EADDRINUSE');
    const nobody = await run(['show', '--url', 'http://127.0.0.1:1']);
    expect(nobody.code).toBe(1);
    expect(nobody.err).toContain('watari lab start');
  });
});
