// Random cluster.yaml and scenario files: what was written, or an error with its place. Valid files are generated from
// the schemas; the samples of the documentation and of the lab are broken at every node. A scenario that is accepted
// must be a lab that works.
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { clusterFileSchema, parseClusterFile } from '../../config/cluster-file.ts';
import { ConfigError } from '../../config/config-error.ts';
import { formatDuration, formatSize } from '../../config/sizes.ts';
import {
  clusterNameSchema,
  computerNameSchema,
  newVmNameSchema,
  switchNameSchema,
} from '../../config/values.ts';
import type { ClusterSpec, VmSpec } from '../../domain/spec.ts';
import { HypervError, READ_OPS, type Op } from '../../hyperv/host.ts';
import { ANSWERS } from '../../hyperv/powershell/answers.ts';
import { manualClock, type ManualClock } from '../../lab/machine/clock.ts';
import { Lab } from '../../lab/machine/lab.ts';
import { faultSchema, WORLD_EVENTS } from '../../lab/scenario/fault-schema.ts';
import { scenarioSchema, type Scenario } from '../../lab/scenario/schema.ts';
import { parseScenario } from '../../lab/scenario/read.ts';
import { showState } from '../../lab/show.ts';
import { ROOT } from '../support/built-setup.ts';
import { failsOnlyWith, mustBeReadable, tryAll } from '../support/fuzz.ts';
import { brokenYaml, hostileText, nodesOf } from '../support/hostile.ts';
import { arbitraryOf, fits, type Special } from '../support/zod-arbitrary.ts';

const read = (...parts: string[]): string => fs.readFileSync(path.join(ROOT, ...parts), 'utf8');

/** Every block of YAML in a page that has this key at its top. */
const samples = (page: string, key: string): string[] =>
  [...read('docs', page).matchAll(/^```yaml\n([\s\S]*?)^```/gm)]
    .map(([, block = '']) => block)
    .filter((block) => new RegExp(`^${key}:`, 'm').test(block));

const anyOf = (sources: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(...sources.map((source) => brokenYaml(parse(source), source)));

function mustBePlaced({ problems, message }: ConfigError, file: string, text: string): void {
  mustBeReadable(message);
  const lines = text.split('\n').length + 1;
  expect(problems.length).toBeGreaterThan(0);
  for (const problem of problems.slice(0, 50)) {
    expect(problem.file).toBe(file);
    expect(problem.line).toBeGreaterThanOrEqual(0);
    expect(problem.line).toBeLessThanOrEqual(lines);
    expect(problem.message).not.toMatch(/^$|undefined|Invalid input/);
  }
}

const named = (schema: z.ZodType<string>, usual: readonly string[]): fc.Arbitrary<string> =>
  fc
    .oneof(fc.constantFrom(...usual), fc.string({ unit: 'grapheme', maxLength: 14 }), hostileText)
    .filter((name) => schema.safeParse(name).success);

const nodeNames = ['HV1', 'hv-2', 'N3', 'A', 'x9', 'FIFTEEN-LETTERS', '1a'];
const MB = 1024 ** 2;
const within = (min: number, max: number): fc.Arbitrary<number> =>
  fc.oneof(fc.constantFrom(min, max), fc.integer({ min, max }));

const vmSpec = (nodes: readonly string[]): fc.Arbitrary<VmSpec> =>
  fc
    .record({
      name: named(newVmNameSchema, ['web-1', 'db 2', '日本', '2025', 'yes', 'null']),
      memoryBytes: within(16, 2 ** 19).map((count) => count * 2 * MB),
      folder: named(newVmNameSchema, ['Volume1', 'a\\b']),
      switch: fc.option(named(switchNameSchema, ['LAN', '0', '- x'])),
      generation: fc.constantFrom(1 as const, 2 as const),
      node: fc.option(fc.constantFrom(...nodes)),
    })
    .map(({ folder, ...vm }) => ({
      ...vm,
      vhd: `C:\\ClusterStorage\\${folder}\\${vm.name}.vhdx`.replaceAll('/', '\\'),
    }))
    .filter((vm) => vm.vhd.length < 260 && !vm.vhd.includes('..'));

const folded = (name: string): string => name.toLowerCase();

const spec: fc.Arbitrary<ClusterSpec> = fc
  .uniqueArray(fc.oneof(fc.constantFrom(...nodeNames), named(computerNameSchema, nodeNames)), {
    minLength: 2,
    maxLength: 8,
    selector: folded,
  })
  .chain((nodes) =>
    fc.record({
      cluster: named(clusterNameSchema, ['hv-lab']).filter(
        (name) => !nodes.some((node) => folded(node) === folded(name)),
      ),
      nodes: fc.constant(nodes),
      liveMigration: fc.record({
        simultaneousMigrations: within(1, 32),
        simultaneousStorageMigrations: within(1, 32),
        performance: fc.constantFrom('TCPIP' as const, 'Compression' as const, 'SMB' as const),
      }),
      virtualMachines: fc.uniqueArray(vmSpec(nodes), {
        maxLength: 4,
        comparator: (a, b) => folded(a.name) === folded(b.name) || folded(a.vhd) === folded(b.vhd),
      }),
      prove: fc.uniqueArray(named(newVmNameSchema, ['web-1']), { maxLength: 2, selector: folded }),
      memoryReserveBytes: within(0, 2 ** 42),
      budgets: fc.record({
        restartSeconds: within(60, 86_400),
        answerSeconds: within(5, 3600),
        stalledMoveSeconds: within(30, 86_400),
        heartbeatSeconds: within(2, 300),
        slotSeconds: within(10, 604_800),
        retrySeconds: within(0, 86_400),
      }),
    }),
  );

/** A specification as a person would write it. */
const fileOf = (s: ClusterSpec) => ({
  cluster: s.cluster,
  nodes: s.nodes,
  liveMigration: s.liveMigration,
  virtualMachines: s.virtualMachines.map(({ memoryBytes, ...vm }) => ({
    ...vm,
    memory: formatSize(memoryBytes),
  })),
  prove: s.prove,
  memoryReserve: formatSize(s.memoryReserveBytes),
  budgets: Object.fromEntries(
    Object.entries(s.budgets).map(([key, seconds]) => [
      key.replace('Seconds', ''),
      formatDuration(seconds as number),
    ]),
  ),
});

const keysOf = (value: unknown): string[] =>
  [
    ...new Set(
      nodesOf(value).map((at) => at.map((k) => (typeof k === 'number' ? '[]' : k)).join('.')),
    ),
  ]
    .filter((at) => at !== '' && !at.endsWith('[]'))
    .sort();

/** Keys of a schema, as far as it lists them. */
function schemaKeys(schema: unknown, at = ''): string[] {
  const s = schema as { properties?: Record<string, unknown>; items?: unknown; anyOf?: unknown[] };
  const here = (key: string): string => (at === '' ? key : `${at}.${key}`);
  return [
    ...Object.entries(s.properties ?? {}).flatMap(([key, one]) => [
      here(key),
      ...schemaKeys(one, here(key)),
    ]),
    ...(s.items === undefined ? [] : schemaKeys(s.items, here('[]'))),
    ...(s.anyOf ?? []).flatMap((one) => schemaKeys(one, at)),
  ];
}

describe('cluster.yaml', () => {
  const asFile = fc.tuple(spec, fc.constantFrom('block', 'flow', 'any')).map(([value, style]) => ({
    value,
    text: stringify(fileOf(value), { collectionStyle: style as 'any', lineWidth: 0 }),
  }));

  it('that is valid gives exactly what it says', () =>
    tryAll('cluster.yaml, valid', asFile, ({ value, text }) => {
      expect(parseClusterFile(text, 'c.yaml')).toEqual(value);
    }));

  it('has no key that these tests do not write', () => {
    const schema = z.toJSONSchema(clusterFileSchema, { io: 'input', unrepresentable: 'any' });
    const [full] = fc.sample(
      asFile.filter(({ value }) => value.virtualMachines.length > 0),
      { numRuns: 1, seed: 1 },
    );
    expect(keysOf(parse(full!.text))).toEqual(schemaKeys(schema).sort());
  });

  const sources = [
    read('lab', 'scenarios', 'demo.cluster.yaml'),
    ...samples('cluster-yaml.md', 'cluster'),
  ];

  it('that is broken anywhere is a specification or an error with its place', () =>
    tryAll(
      'cluster.yaml, broken',
      anyOf(sources),
      async (text) => {
        const { value, error } = await failsOnlyWith(ConfigError, () =>
          parseClusterFile(text, 'c.yaml'),
        );
        if (error !== undefined) {
          mustBePlaced(error, 'c.yaml', text);
          return;
        }
        // What was accepted means the same when it is written down again.
        expect(parseClusterFile(stringify(fileOf(value)), 'again.yaml')).toEqual(value);
      },
      { share: 3, examples: REGRESSIONS },
    ));
});

/** Files that once hung, printed to the terminal or were taken for something else. */
const REGRESSIONS: readonly string[] = [
  // Minutes: every alias was looked up from the start of the file, every key compared with every other.
  `a: &a 1\nb:\n${'  - *a\n'.repeat(25_000)}`,
  Array.from({ length: 30_000 }, (_, i) => `key${i}: 1`).join('\n'),
  // A warning with a hint about node --trace-warnings on standard error.
  '{ a: 1 }: 2\n',
  '? [a, b]\n: 1\n',
  'a: &a [*a]\n',
  'cluster: hv-lab\nnodes: [HV1, HV2]\n__proto__: { a: 1 }\n',
  `cluster: ${'['.repeat(4000)}`,
  `@\n${'['.repeat(4000)}${']'.repeat(4000)}`,
];

const SCENARIOS = ['demo.yaml', 'two-nodes.yaml', 'sixteen-nodes.yaml'].map((name) =>
  read('lab', 'scenarios', name),
);

const EMPTY: Record<string, unknown> = {
  readServices: { names: ['vmms', 'ClusSvc'] },
  readFeatures: { names: ['Hyper-V'] },
  readDiskFiles: { paths: ['C:\\ClusterStorage\\Volume1\\a.vhdx'] },
  readEvents: { since: '2020-01-01T00:00:00.000Z', max: 50 },
  readBlackouts: { since: '2020-01-01T00:00:00.000Z', max: 50 },
};

/** Every answer that a node gives is one that the port knows; a refusal is the port's own error. */
async function asked(lab: Lab, clock: ManualClock, node: string, op: Op, args: object) {
  // Some wait for time to pass, and some for ever: nothing here may depend on them.
  const answer = lab.answer(node, op, args as never).then(
    ({ facts }) => (ANSWERS[op] as z.ZodType).parse(facts),
    (error: unknown) => {
      if (!(error instanceof HypervError)) throw error;
    },
  );
  const late = new Promise<void>((resolve) => setImmediate(resolve));
  await Promise.race([answer, late]);
}

/** JSON would carry what is no number as null. */
function finite(key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`${key} is no number`);
  return value;
}

async function mustWork(scenario: Scenario): Promise<void> {
  const clock = manualClock(scenario.start === undefined ? undefined : Date.parse(scenario.start));
  const lab = new Lab(scenario, clock);
  const pass = (seconds: number): void => {
    clock.advance(seconds * 1000);
    lab.advance();
    const state = lab.state();
    JSON.stringify(state, finite);
    showState(state);
  };
  pass(0);
  const nodes = scenario.nodes.map((node) => node.name).slice(0, 4);
  for (const role of lab.state().roles.slice(0, 6)) {
    for (const node of nodes)
      await asked(lab, clock, role.owner, 'startMove', { vmId: role.vmId, node });
    pass(1.5);
  }
  for (const name of nodes) {
    for (const op of READ_OPS) await asked(lab, clock, name, op, EMPTY[op] ?? {});
    pass(40);
  }
  // Enough for every boot and every move.
  pass(3600);
  for (const op of READ_OPS) await asked(lab, clock, nodes[0] ?? '', op, EMPTY[op] ?? {});
}

type Loose = Record<string, unknown>;

/** Names that fit each other, so that most of what the schema allows is possible, too. */
function plausible(scenario: unknown): unknown {
  const s = scenario as { nodes: Loose[]; virtualMachines?: Loose[]; faults?: Loose[] };
  const pick = <T>(list: readonly T[], i: number): T => list[i % list.length]!;
  const nodes = [...s.nodes, {}, {}].slice(0, 5).map((node, i) => ({
    ...node,
    name: `HV${i + 1}`,
    memory: '64GB',
    reservedMemory: '4GB',
    features: ['Hyper-V'],
    switches: ['LAN'],
    power: i === 0 ? 'on' : (node['power'] ?? 'on'),
  }));
  const vms = s.virtualMachines?.map((vm, i) => ({
    ...vm,
    name: `vm-${i}`,
    id: undefined,
    owner: 'HV1',
    memory: pick(['1GB', '8GB', '13GB'], i),
    switches: ['LAN', null],
    preferredOwners: ['HV2'],
    possibleOwners: undefined,
  }));
  const faults = s.faults?.map((fault) => ({
    ...fault,
    ...(fault['node'] !== undefined && { node: 'HV2' }),
    ...(fault['vm'] !== undefined && { vm: 'vm-0' }),
  }));
  return {
    ...s,
    nodes,
    virtualMachines: vms,
    faults,
    sharedVolumes: undefined,
    networks: undefined,
  };
}

const written: Special = (schema, at) => {
  switch (at.at(-1)) {
    case 'memory':
    case 'reservedMemory':
      return fc.constantFrom('1GB', '64GB');
    case 'dirtyRate':
    case 'migrationNetwork':
      return fc.constantFrom('1B/s', '40MB/s', '10Gbps', '9000TB/s');
    case 'on':
      return fc.constantFrom(...WORLD_EVENTS, 'startMove', 'readHost', 'readRoles');
    case 'faults':
      // Half of what the shape allows contradicts itself.
      return fc.array(arbitraryOf(faultSchema, written).filter(fits(faultSchema)), {
        maxLength: 3,
      });
    case 'when':
      return fc.constantFrom({ seconds: 0 }, { seconds: 3.5 }, { vm: 'vm-0', percent: 0.5 });
    default:
      return undefined;
  }
};

describe('a scenario', () => {
  it('that is broken anywhere is a lab that works or an error with its place', () =>
    tryAll(
      'scenario, broken',
      anyOf([...SCENARIOS, ...samples('lab.md', 'cluster')]),
      async (text) => {
        const { value, error } = await failsOnlyWith(ConfigError, () =>
          parseScenario(text, 's.yaml'),
        );
        if (error === undefined) await mustWork(value);
        else mustBePlaced(error, 's.yaml', text);
      },
      { share: 1 },
    ));

  it('made from the schema is a lab that works or an error with its place', async () => {
    let accepted = 0;
    await tryAll(
      'scenario, generated',
      arbitraryOf(scenarioSchema, written).map((value) => stringify(plausible(value))),
      async (text) => {
        const { value, error } = await failsOnlyWith(ConfigError, () =>
          parseScenario(text, 's.yaml'),
        );
        if (error !== undefined) {
          mustBePlaced(error, 's.yaml', text);
          return;
        }
        accepted += 1;
        await mustWork(value);
      },
    );
    expect(accepted).toBeGreaterThan(0);
  });
});
