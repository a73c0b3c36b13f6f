// Worker processes of the lab live and die with their nodes. Stand-ins take the place of watari's workers.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manualClock, type ManualClock } from '../../lab/machine/clock.ts';
import { Lab } from '../../lab/machine/lab.ts';
import { parseScenario } from '../../lab/scenario/read.ts';
import { startWorkers, workerCommand, type Workers } from '../../lab/workers.ts';
import { THREE } from './lab-fixture.ts';
import { isAlive, untilGone } from '../../proof/rig/processes.ts';
import { PATIENCE_MS, sleep, waitFor } from '../../proof/rig/waiting.ts';

/** Says that it is there, and ends when its standard input does, as a worker does. */
const STAND_IN =
  "console.log('worker', process.pid); process.stdin.resume().on('end', () => process.exit(0));";

describe('workers of the lab', () => {
  let logDir: string;
  let lab: Lab;
  let clock: ManualClock;
  let workers: Workers | null = null;

  const start = (script = STAND_IN, more = {}): Workers => {
    workers = startWorkers({
      lab,
      cluster: 'test',
      url: 'http://127.0.0.1:1',
      logs: logDir,
      command: (node) => ({ file: process.execPath, args: ['-e', script, node] }),
      restartSeconds: 0.1,
      ...more,
    });
    return workers;
  };
  const pidOf = (node: string): number => {
    const pid = workers?.pids()[node];
    if (pid === undefined) throw new Error(`${node} has no worker`);
    return pid;
  };
  const logOf = (node: string): string =>
    fs.readFileSync(path.join(logDir, `worker-${node}.log`), 'utf8');

  beforeEach(() => {
    logDir = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'watari-lab-')), 'logs');
    clock = manualClock();
    lab = new Lab(parseScenario(`cluster: test\n${THREE}`, 'test.yaml'), clock);
  });
  afterEach(async () => {
    await workers?.stop();
    workers = null;
    fs.rmSync(path.dirname(logDir), { recursive: true, force: true });
  });

  it('run for each node that is up, each with a log', async () => {
    lab.powerOff('HV2');
    start();
    expect(Object.keys(workers?.pids() ?? {})).toEqual(['HV1', 'HV3']);
    const line = `worker ${pidOf('HV1')}`;
    await waitFor(`"${line}" in the log`, () => logOf('HV1').includes(line));
  });

  it('without a folder for logs are heard line by line', async () => {
    const said: string[] = [];
    start("console.log('one'); console.error('two'); setTimeout(() => undefined, 60_000)", {
      logs: (node: string, line: string) => said.push(`${node} ${line}`),
      nodes: ['HV1'],
    });
    await waitFor('both lines', () => said.length >= 2);
    expect(said.sort()).toEqual(['HV1 one', 'HV1 two']);
  });

  it('die at once with their node and are born with it', async () => {
    start();
    const before = pidOf('HV1');
    lab.crash('HV1');
    expect(workers?.pids()['HV1']).toBeUndefined();
    await untilGone(before);
    clock.advance(59_000);
    lab.advance();
    expect(workers?.pids()['HV1']).toBeUndefined();
    clock.advance(1000);
    lab.advance();
    expect(pidOf('HV1')).not.toBe(before);
    expect(isAlive(pidOf('HV3'))).toBe(true);
  });

  it('come back when they die by themselves, as services do', async () => {
    start();
    const before = pidOf('HV1');
    process.kill(before, 'SIGKILL');
    await waitFor('another worker of HV1', () => pidOf('HV1') !== before);
  });

  it('stay away from a halt on, whatever their nodes do, and are all back after it', async () => {
    start(STAND_IN, { restartSeconds: 0.05 });
    const before = Object.values(workers?.pids() ?? {});
    lab.crash('HV1');
    await workers?.halt();
    expect(workers?.pids()).toEqual({});
    expect(before.some(isAlive)).toBe(false);
    // Longer than a boot of HV1, and than the pause after which a service starts again.
    clock.advance(120_000);
    lab.advance();
    await sleep(150);
    expect(workers?.pids()).toEqual({});
    workers?.resume();
    expect(Object.keys(workers?.pids() ?? {})).toEqual(['HV1', 'HV2', 'HV3']);
  });

  it('are gone after a halt, also those whose node has just been cut off', async () => {
    start();
    const before = Object.values(workers?.pids() ?? {});
    for (const node of ['HV1', 'HV2', 'HV3']) lab.crash(node);
    await workers?.halt();
    expect(before.length).toBe(3);
    expect(before.filter(isAlive)).toEqual([]);
  });

  it('do not come back on a node that went down meanwhile', async () => {
    start(STAND_IN, { restartSeconds: 0.05 });
    process.kill(pidOf('HV1'), 'SIGKILL');
    await waitFor('HV1 to have no worker', () => workers?.pids()['HV1'] === undefined);
    lab.powerOff('HV1');
    await sleep(150);
    expect(workers?.pids()['HV1']).toBeUndefined();
  });

  it('end with the lab, by the end of their standard input', async () => {
    const script = `${STAND_IN} process.on('exit', () => console.log('orderly'));`;
    start(script, { graceMs: PATIENCE_MS });
    await waitFor('the worker to have begun', () => logOf('HV1').includes('worker'));
    const pids = Object.values(workers?.pids() ?? {});
    await workers?.stop();
    expect(pids.some(isAlive)).toBe(false);
    expect(logOf('HV1')).toContain('orderly');
  });

  it('are ended hard when they do not end by themselves', async () => {
    start('setInterval(() => {}, 1000);', { graceMs: 50 });
    const pids = Object.values(workers?.pids() ?? {});
    await workers?.stop();
    expect(pids.some(isAlive)).toBe(false);
  });

  it('that cannot be started leave the reason in the log and are tried again', async () => {
    start('', { command: () => ({ file: path.join(logDir, 'no-such-program'), args: [] }) });
    await waitFor(
      'two reasons in the log',
      () => logOf('HV1').split('could not be started').length > 2,
    );
  });

  it("are this installation's workers, told their cluster, node and lab", () => {
    const { file, args } = workerCommand('hv-lab', 'http://127.0.0.1:7400')('HV1');
    expect(file).toBe(process.execPath);
    expect(args[0]).toMatch(/workers[\\/]main\.js$/);
    expect(args.slice(1)).toEqual([
      '--cluster',
      'hv-lab',
      '--node',
      'HV1',
      '--lab',
      'http://127.0.0.1:7400',
      '--owned',
    ]);
    const onStandIns = workerCommand('hv-lab', 'http://127.0.0.1:7400', 'stand-ins')('HV1');
    expect(onStandIns.args).toEqual([...args, '--powershell', 'stand-ins']);
  });
});
