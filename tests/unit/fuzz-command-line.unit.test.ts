// Whole random command lines, made from the command tree itself: done, or an error of one screen with its exit code.
// Wrong input changes nothing: no file is written and no run is started.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client, type Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { Command, Option } from 'commander';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Temporal, TemporalTarget } from '../../client/temporal/connection.ts';
import { ClientError } from '../../client/errors.ts';
import { EXIT } from '../../client/exit-codes.ts';
import { buildProgram, runCli } from '../../client/program.ts';
import { ROOT } from '../support/built-setup.ts';
import { fakeContext, fakeTerminal, type FakeTerminal } from '../support/client-fakes.ts';
import { mustBeReadable, steers, tryAll } from '../support/fuzz.ts';
import { hostileText } from '../support/hostile.ts';

/** Deep enough that no random path leads out of it. */
const HOME = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-cli-'));
const CWD = path.join(HOME, 'a', 'b', 'c', 'd', 'e', 'f');
/** Where a worker leaves its log when its folder is no full path: in its own, not in the caller's context. */
const PROCESS_FOLDER = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-cli-process-'));
const before = process.cwd();
beforeAll(() => {
  process.chdir(PROCESS_FOLDER);
});
afterAll(() => {
  process.chdir(before);
  for (const folder of [HOME, PROCESS_FOLDER]) fs.rmSync(folder, { recursive: true, force: true });
});

/** A process of its own, which talks to the terminal by itself; its readers are tried in the other files. */
const ELSEWHERE = ['lab'];

interface Leaf {
  words: string[];
  options: readonly Option[];
  arguments: number;
}

function leavesOf(command: Command, words: readonly string[] = []): Leaf[] {
  const inside = command.commands
    .filter((one) => !ELSEWHERE.includes(one.name()))
    .flatMap((one) => leavesOf(one, [...words, one.name()]));
  const isLeaf = command.commands.length === 0;
  const own = {
    words: [...words],
    options: command.options,
    arguments: command.registeredArguments.length,
  };
  return isLeaf ? [own] : inside;
}

const LEAVES = leavesOf(
  buildProgram(fakeTerminal(), () => {
    throw new Error('only looked at');
  }),
);

const KNOWN_RUN = 'watari/hv-lab/vm/web-1/migrate';

const value = fc
  .oneof(
    fc.constantFrom('hv-lab', 'HV1', 'web-1', 'cluster.yaml', 'broken.yaml', 'nowhere.yaml', 'out'),
    fc.constantFrom(
      'apply',
      KNOWN_RUN,
      'watari/hv-lab/apply',
      'migrate',
      'a',
      '.',
      'a'.repeat(5000),
    ),
    fc.constantFrom(
      'http://127.0.0.1:7400',
      'moves,nodes',
      '60',
      '0',
      '-1',
      '1e9',
      '7233',
      '10.0.0.5',
    ),
    hostileText,
  )
  // The kernel has no argument with a zero in it, and the tests write nowhere else.
  .filter((text) => !text.includes('\u0000') && !/^[/\\~]|^[A-Za-z]:|(\.\.[/\\]?){3}/.test(text));

const optionOf = (option: Option): fc.Arbitrary<string[]> => {
  const names = [option.long, option.short].filter((one) => one !== undefined);
  if (!option.required && !option.optional) return fc.constantFrom(...names.map((one) => [one]));
  return fc.oneof(
    { weight: 8, arbitrary: fc.tuple(fc.constantFrom(...names), value).map(([k, v]) => [k, v]) },
    { weight: 2, arbitrary: value.map((v) => [`${names[0]!}=${v}`]) },
    { weight: 1, arbitrary: fc.constantFrom(...names.map((one) => [one])) },
  );
};

const anything: fc.Arbitrary<string[]> = fc
  .oneof(
    value,
    fc.constantFrom('--nope', '-z', '--json', '--help', '-h', '--', '--file', '-V', '--version'),
  )
  .map((word) => [word]);

const leafLine = (leaf: Leaf): fc.Arbitrary<string[]> =>
  fc
    .tuple(
      fc.array(fc.oneof(...leaf.options.map(optionOf)), { maxLength: 4 }),
      fc.oneof(
        {
          weight: 5,
          arbitrary: fc.array(value, { minLength: leaf.arguments, maxLength: leaf.arguments }),
        },
        { weight: 1, arbitrary: fc.array(value, { maxLength: 3 }) },
      ),
      fc.oneof(
        { weight: 6, arbitrary: fc.constant<string[]>([]) },
        { weight: 1, arbitrary: anything },
      ),
    )
    .map(([options, words, more]) => [...leaf.words, ...words, ...options.flat(), ...more]);

const lines: fc.Arbitrary<string[]> = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...LEAVES).chain(leafLine) },
  {
    weight: 1,
    arbitrary: fc.array(fc.oneof(value, fc.constantFrom(...LEAVES.flatMap((l) => l.words))), {
      maxLength: 5,
    }),
  },
);

const GOOD = fs.readFileSync(path.join(ROOT, 'lab', 'scenarios', 'demo.cluster.yaml'), 'utf8');

/** Everything below the folder: what is there, and what is in it. */
const tree = (): Record<string, string> =>
  Object.fromEntries(
    fs
      .readdirSync(HOME, { recursive: true, withFileTypes: true })
      .map((one) => path.join(one.parentPath, one.name))
      .map((file) => [file, fs.statSync(file).isFile() ? fs.readFileSync(file, 'utf8') : 'folder']),
  );

function freshFolder(withFile: boolean): void {
  fs.rmSync(path.join(HOME, 'a'), { recursive: true, force: true });
  fs.mkdirSync(CWD, { recursive: true });
  fs.writeFileSync(path.join(CWD, 'broken.yaml'), 'cluster: [\u001b[31m\nnodes: 5\n');
  if (withFile) fs.writeFileSync(path.join(CWD, 'cluster.yaml'), GOOD);
}

interface Surroundings {
  /** What would have changed something in Temporal. */
  deeds: string[];
}

const unreachable = (): ClientError =>
  new ClientError({
    code: 'TemporalUnreachable',
    message: 'no Temporal',
    exitCode: EXIT.unreachable,
  });

const Listed = proto.temporal.api.workflowservice.v1.ListWorkflowExecutionsResponse;

/** As the channel fails. */
const grpcError = (code: number): Error =>
  Object.assign(new Error('grpc'), { code, details: 'no details', metadata: new Map() });
const [NOT_FOUND, UNAVAILABLE] = [5, 14];

/** Calls that look; every other one would change something. */
const LOOKS = /^(list|describe|get|count|query)/;

/** A server that knows one run and no worker. Whatever else it is asked is an outage, and kept when it is a deed. */
function fakeTemporal({ deeds }: Surroundings): Temporal {
  const known: Record<string, (asked: unknown) => unknown> = {
    describeTaskQueue: () => ({ pollers: [] }),
    listWorkflowExecutions: () =>
      Listed.fromObject({
        executions: [
          {
            execution: { workflowId: KNOWN_RUN, runId: 'r' },
            type: { name: 'migrateVm' },
            status: 1,
            startTime: { seconds: 1_800_000_000 },
            historyLength: 3,
          },
        ],
      }),
    describeWorkflowExecution: () => {
      throw grpcError(NOT_FOUND);
    },
  };
  const service = new Proxy(
    {},
    {
      get: (_all, name: string) => async (asked: unknown) => {
        if (!LOOKS.test(name)) deeds.push(name);
        const answer = known[name];
        if (answer === undefined) throw grpcError(UNAVAILABLE);
        return answer(asked);
      },
    },
  );
  const connection = {
    plugins: [],
    withDeadline: (_ms: number, call: () => unknown) => call(),
    workflowService: service,
    operatorService: service,
  } as unknown as Connection;
  return {
    client: new Client({ connection, namespace: 'default' }),
    connection,
    namespace: 'default',
    target: { describe: 'a fake' },
    links: { run: () => '', schedule: () => '', needsOperator: '' },
    close: async () => undefined,
  } as unknown as Temporal;
}

async function run(argv: readonly string[]) {
  const around: Surroundings = { deeds: [] };
  const terminal: FakeTerminal = fakeTerminal();
  const context = fakeContext({
    cwd: CWD,
    terminal,
    temporalTarget: (): TemporalTarget => {
      throw unreachable();
    },
    connect: async () => fakeTemporal(around),
  });
  // Found at once and no program: nothing is fetched or started.
  context.places = {
    ...context.places,
    cliPath: path.join(HOME, 'no-such-temporal'),
    platform: 'linux',
  };
  const code = await runCli(argv, { terminal, context: () => context, debug: false });
  return { code, out: terminal.stdout.text(), err: terminal.stderr.text(), deeds: around.deeds };
}

const CODES = new Set<number>(Object.values(EXIT));

describe('a command line', () => {
  it('has commands to be made of', () => {
    const names = LEAVES.map((leaf) => leaf.words.join(' '));
    expect(names).toContain('cluster apply');
    expect(names).toContain('run retry');
    expect(names.length).toBeGreaterThanOrEqual(15);
  });

  it('is done, or says on one screen why not and changes nothing', () =>
    tryAll(
      'command lines',
      fc.record({ argv: lines, withFile: fc.boolean() }),
      async ({ argv, withFile }) => {
        freshFolder(withFile);
        const before = tree();
        const { code, out, err, deeds } = await run(argv);
        expect(CODES.has(code)).toBe(true);
        mustBeReadable(err.startsWith('Usage:') ? err.slice(0, 500) : err);
        const json = argv.includes('--json');
        expect(`${out}${err}`).not.toMatch(/not a failure that watari knows|"Unexpected"/);
        if (code === EXIT.badInput || code === EXIT.unreachable) {
          expect(deeds).toEqual([]);
          expect(tree()).toEqual(before);
          if (json)
            expect(JSON.parse(out)).toMatchObject({
              error: { code: expect.any(String) as string },
            });
          else expect(err).toMatch(/^watari: |\nwatari: /);
        } else expect(steers(out)).toBe(false);
      },
      { share: 0.8, examples: REGRESSIONS },
    ));
});

const REGRESSIONS: readonly { argv: string[]; withFile: boolean }[] = [
  // What a file or a person wrote went to the terminal as it was.
  { argv: ['cluster', 'plan', '-f', 'broken.yaml'], withFile: false },
  { argv: ['run', 'show', '\u001b[2J'], withFile: false },
  { argv: ['--\u001b[31m'], withFile: false },
  { argv: ['tls', 'init', '--server', 'a.b', '--out', 'x'.repeat(5000)], withFile: false },
  { argv: ['tls', 'init', '--server', 'a.b', '--out', 'cluster.yaml'], withFile: true },
  { argv: ['tls', 'init', '--server', 'a.b', '--client', 'HV1,hv1', '--out', 'o'], withFile: true },
];
