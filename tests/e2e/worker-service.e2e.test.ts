// What `worker install` registers, executed: the string of arguments is taken from the stand-in of the Task Scheduler,
// split as Windows' programs split it, and started as a process of its own against a lab and a real Temporal server.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { systemClock } from '../../client/context.ts';
import { splitArguments } from '../../client/service/command-line.ts';
import { installWorker } from '../../client/service/install.ts';
import { tryNativePart } from '../../client/service/native-part.ts';
import { readServiceStatus } from '../../client/service/status.ts';
import { uninstallWorker } from '../../client/service/uninstall.ts';
import { hold, logFiles, release } from '../../config/service-files.ts';
import { openWorkerTasks, type WorkerTasks } from '../../hyperv/service/worker-tasks.ts';
import { ROOT } from '../support/built-setup.ts';
import { realCluster, type RealCluster } from '../support/real-cluster.ts';
import { standInComputer, type StandInComputer } from '../support/windows-service.ts';
import type { Program } from '../../proof/rig/processes.ts';
import { waitFor } from '../../proof/rig/waiting.ts';
import { killAll, start, startNode } from '../support/processes.ts';
import { needs, POWERSHELL } from '../support/needs.ts';
import { endsWithAll, temporaryFolder } from '../support/ends.ts';

const SCENARIO = `
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 60 }
`;
const PASSWORD = 'Geheim-7 渡り "x"';

const ends = endsWithAll();
const folder = temporaryFolder('watari 渡り 1 ', ends);
const home = path.join(folder, 'Program Data', 'watari');
const logFolder = path.join(home, 'ログ フォルダー');
const log = (): string =>
  logFiles(logFolder)
    .map((file) => fs.readFileSync(file, 'utf8'))
    .join('');

describe('what worker install registers', needs(POWERSHELL), () => {
  let c: RealCluster;
  let windows: StandInComputer;
  let tasks: WorkerTasks;

  beforeAll(async () => {
    c = ends(await realCluster({ temporal: inject('temporal'), scenario: SCENARIO, workers: [] }));
    ends(killAll);
    fs.mkdirSync(home, { recursive: true });
    // A program's folder with a space and Japanese in its name.
    fs.symlinkSync(ROOT, path.join(folder, '渡り 0.1.0'), 'junction');
    fs.writeFileSync(
      path.join(home, '設定 worker.env'),
      [
        `TEMPORAL_ADDRESS=${inject('temporal').address}`,
        `TEMPORAL_NAMESPACE=${inject('temporal').namespace}`,
        `WATARI_LAB=${c.labUrl}`,
      ].join('\r\n'),
    );
    windows = standInComputer(folder, [{ name: 'watari', rid: 1001, password: PASSWORD }]);
    tasks = ends(await openWorkerTasks(windows.options));
  });

  /** As the Task Scheduler would: with the environment of the machine and nothing of ours. */
  function execute(): Program {
    const action = windows.world().tasks[0]?.Actions[0];
    if (action === undefined) throw new Error('nothing is registered');
    const nothing = Object.fromEntries(
      Object.keys(process.env)
        .filter((name) => /^(TEMPORAL|WATARI)_/.test(name))
        .map((name) => [name, undefined]),
    );
    return start(action.Execute, splitArguments(action.Arguments), {
      cwd: action.WorkingDirectory,
      env: nothing,
    });
  }

  it('starts, serves the node, logs, and ends in good order when it is asked to', async () => {
    await installWorker(
      { tasks, clock: systemClock, say: () => undefined },
      {
        wanted: {
          ...{ cluster: c.cluster, node: 'HV1', account: 'watari', computer: 'HV1' },
          ...{ allow: null, readOnly: true, settings: path.join(home, '設定 worker.env') },
          ...{ logFolder, home, version: '0.1.0', program: process.execPath },
          main: path.join(folder, '渡り 0.1.0', 'dist', 'client', 'main.js'),
        },
        newPassword: false,
        tryProgram: () => tryNativePart({ program: process.execPath, root: ROOT }),
        askPassword: async () => PASSWORD,
        // Said by nobody yet: the stand-in starts no process.
        prepareFolders: async () => {
          fs.mkdirSync(logFolder, { recursive: true });
          const soon = new Date(Date.now() + 60_000).toISOString();
          fs.writeFileSync(
            path.join(logFolder, 'worker-20200101-000000.log'),
            `${soon} HV1 serves cluster of the stand-in\n`,
          );
        },
      },
    );
    fs.rmSync(path.join(logFolder, 'worker-20200101-000000.log'));
    const worker = execute();
    await waitFor(
      'the worker to serve',
      () => log().includes(`HV1 serves cluster ${c.cluster} (lab at ${c.labUrl}; read only)`),
      { saw: () => `${log()}\n${worker.stdout()}${worker.stderr()}` },
    );
    // It does, for whoever asks Temporal.
    const show = c.watari('cluster', 'show', '--json');
    expect(await show.ended, show.stderr()).toBe(0);
    expect(JSON.parse(show.stdout())).toMatchObject({ workers: ['HV1'] });
    expect((await readServiceStatus(tasks)).log?.lines.join()).toContain('serves cluster');

    // The stand-in tells of its process as long as the real one lives.
    const deaf = path.join(folder, 'world.json.deaf');
    fs.writeFileSync(deaf, '');
    const removal = uninstallWorker({ tasks, clock: systemClock, say: () => undefined });
    expect(await worker.ended).toBe(0);
    fs.rmSync(deaf);
    expect((await removal).removed).toEqual([{ task: 'worker-1', worker: 'ended' }]);
    expect(log()).toMatch(/asked to end, by .*worker-1\.stop.*\n.* ended\n$/s);
    expect(log()).not.toContain(PASSWORD);
  });

  const main = path.join(ROOT, 'dist', 'client', 'main.js');
  const worker = (...words: string[]): Program =>
    startNode(
      [
        main,
        'worker',
        'start',
        '--cluster',
        c.cluster,
        '--node',
        'HV1',
        ...words,
        '--log-folder',
        logFolder,
      ],
      {
        env: { TEMPORAL_ADDRESS: '127.0.0.1:9', WATARI_LAB: c.labUrl },
      },
    );

  it('says in its log why it did not start', async () => {
    const missing = path.join(home, 'none.env');
    expect(await worker('--settings', missing).ended).toBe(2);
    expect(log()).toContain(`${missing}: it cannot be read (it is not there)`);
    expect(await worker('--allow', 'everything').ended).toBe(2);
    expect(log()).toContain('"everything" is no permission');
  });

  it('ends when it is asked to while Temporal is away, and does not start while that holds', async () => {
    const stopFile = path.join(home, 'worker-9.stop');
    const waiting = worker('--stop-file', stopFile);
    await waitFor(
      'the worker to wait for Temporal',
      () => log().includes('127.0.0.1:9 does not answer'),
      { saw: log },
    );
    hold(stopFile);
    expect(await waiting.ended).toBe(0);
    expect(await worker('--stop-file', stopFile).ended).toBe(0);
    expect(log()).toContain(`asked not to run, by ${stopFile}`);
    release(stopFile);
  });
});

it('a hidden question shows nothing of what is typed', async () => {
  const terminal = pathToFileURL(path.join(ROOT, 'dist', 'client', 'terminal.js')).href;
  const script = `const { nodeTerminal } = await import(${JSON.stringify(terminal)});
    const typed = await nodeTerminal().askHidden('Password: ');
    process.exit(typed === ${JSON.stringify(PASSWORD)} ? 0 : 9);`;
  const asking = startNode(['--input-type=module', '-e', script], { stdin: 'pipe' });
  await waitFor('the question', () => asking.stderr().includes('Password: '));
  // Every key by itself, and a mistake that is mended.
  for (const key of `x\u007f${PASSWORD}\r`.split(/(?:)/u)) asking.child.stdin?.write(key);
  expect(await asking.ended).toBe(0);
  expect(asking.stderr() + asking.stdout()).toBe('Password: \n');
});
