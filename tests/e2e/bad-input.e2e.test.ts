// Bad input, as a user would type it: a clear error of one screen, exit code 2 (3 where Temporal is not there), and
// nothing changed.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { ROOT } from '../support/built-setup.ts';
import { realCluster } from '../support/real-cluster.ts';
import { killAll, startNode } from '../support/processes.ts';
import { endsWithAll, temporaryFolder } from '../support/ends.ts';

const ends = endsWithAll();
const folder = temporaryFolder('watari-bad-', ends);
ends(killAll);

/** Lines that one screen holds. */
const SCREEN = 24;

async function watari(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number | string; out: string; err: string }> {
  const run = startNode([path.join(ROOT, 'dist', 'client', 'main.js'), ...args], {
    cwd: folder,
    // Nothing listens there: who gets as far as asking Temporal has accepted the input.
    env: { TEMPORAL_ADDRESS: '127.0.0.1:1', WATARI_HOME: folder, NO_COLOR: '1', ...env },
  });
  const code = await run.ended;
  return { code, out: run.stdout(), err: run.stderr() };
}

const file = (name: string, text: string): string => {
  fs.writeFileSync(path.join(folder, name), text);
  return name;
};

const VM = `- { name: web-1, memory: 10GB, vhd: 'C:\\ClusterStorage\\Volume1\\web-1.vhdx', switch: LAN }`;
const GOOD = `cluster: hv-lab\nnodes: [HV1, HV2]\nvirtualMachines:\n  ${VM}\n`;

/** cluster.yaml, what must be said of it, and where. */
const FILES: [what: string, text: string, says: RegExp, at: string][] = [
  ['that is empty', '', /empty/, ''],
  ['that is not YAML', 'cluster: [a, b', /not valid YAML/, ':1:15'],
  ['of wrong types', 'cluster: 5\nnodes: HV1\n', /must be text[\s\S]*must be a list/, ':1:10'],
  ['with an unknown key', `${GOOD}liveMigraton: {}\n`, /did you mean liveMigration/, ':5:1'],
  ['with a node twice', GOOD.replace('HV2', 'hv1'), /"hv1" is there twice/, ':2:14'],
  ['with a VM twice', `${GOOD}  ${VM}\n`, /"web-1" is there twice/, ':5:13'],
  [
    'with a memory of bananas',
    GOOD.replace('10GB', '10 bananas'),
    /"10 bananas" is not a size/,
    ':4:',
  ],
  [
    'with a VHD on a local path',
    GOOD.replace('ClusterStorage\\Volume1', 'VMs'),
    /disk of one node/,
    ':4:',
  ],
  ['with one node only', GOOD.replace(', HV2', ''), /only one node/, ':2:8'],
  [
    'with limits of zero and below',
    `${GOOD}liveMigration: { simultaneousMigrations: 0, simultaneousStorageMigrations: -1 }\n`,
    /at least 1, but is 0[\s\S]*at least 1, but is -1/,
    ':5:',
  ],
  ['with a name of 300 characters', GOOD.replace('web-1', 'x'.repeat(300)), /too long/, ':4:'],
  [
    'with control characters in a name',
    GOOD.replace('web-1', '"we\\u0007b"'),
    /control character/,
    ':4:',
  ],
];

describe('cluster.yaml', () => {
  it.each(FILES)('%s is refused with file, line and column', async (_what, text, says, at) => {
    const { code, err } = await watari(['cluster', 'plan', '-f', file('c.yaml', text)]);
    expect(code).toBe(2);
    expect(err).toMatch(says);
    expect(err).toContain(`c.yaml${at}`);
    expect(err.split('\n').length).toBeLessThan(SCREEN);
    expect(err).not.toMatch(/\n\s+at /);
  });

  it('that is not there is refused', async () => {
    const { code, err } = await watari(['cluster', 'apply', '-f', 'nowhere.yaml']);
    expect(code).toBe(2);
    expect(err).toContain('nowhere.yaml');
  });

  it('that is good is not refused: only Temporal is missing', async () => {
    const { code, err } = await watari(['cluster', 'plan', '-f', file('good.yaml', GOOD)]);
    expect(code).toBe(3);
    expect(err).toContain('127.0.0.1:1');
    expect(err).toContain('watari server start');
  });

  it('with a node that no worker serves is refused, with the workers that there are', async () => {
    const c = ends(
      await realCluster({
        temporal: inject('temporal'),
        scenario: `
nodes:
  - { name: HV1, memory: 64GB, switches: [LAN] }
  - { name: HV2, memory: 64GB, switches: [LAN] }
disks: ['C:\\ClusterStorage\\Volume1\\web-1.vhdx']
`,
        workers: ['HV1'],
      }),
    );
    fs.writeFileSync(
      path.join(c.folder, 'c.yaml'),
      GOOD.replace('hv-lab', c.cluster).replace('HV2', 'HV9'),
    );
    for (const command of [['plan'], ['apply', '--yes']]) {
      const run = c.watari('cluster', ...command, '-f', 'c.yaml');
      expect(await run.ended).toBe(2);
      expect(run.stderr()).toMatch(/HV9/);
      expect(run.stderr()).toMatch(/HV1/);
    }
    expect(await c.effects()).toEqual([]);
  });
});

describe('the environment', () => {
  it.each([
    ['TEMPORAL_ADDRESS', 'nowhere', /host:port/],
    ['TEMPORAL_ADDRESS', 'host:99999', /65535/],
    ['TEMPORAL_TLS', 'maybe', /neither true nor false/],
    ['TEMPORAL_TLS_CLIENT_CERT_PATH', '/nowhere/cert.pem', /cert\.pem/],
    ['TEMPORAL_CONFIG_FILE', '/nowhere/temporal.toml', /temporal\.toml/],
  ])('%s=%s is named', async (name, value, says) => {
    const { code, err } = await watari(['run', 'list'], { [name]: value });
    expect(code).toBe(2);
    expect(err).toContain(name);
    expect(err).toMatch(says);
  });
});

describe('a worker', () => {
  it('for a node that is not this machine says why not, and how to', async () => {
    const { code, err } = await watari(['worker', 'start', '--cluster', 'hv-lab', '--node', 'HV7']);
    expect(code).toBe(2);
    expect(err).toContain('HV7');
    expect(err).toContain('--lab');
  });
});

describe('a scenario', () => {
  it.each([
    ['with an unknown operation', 'faults: [{ on: startMoove }]', /did you mean startMove/],
    [
      'with a VM on a node that is not there',
      'virtualMachines: [{ name: a, owner: HV9, memory: 1GB }]',
      /HV9/,
    ],
    [
      'with a VM larger than its node',
      'virtualMachines: [{ name: a, owner: HV1, memory: 16GB }]',
      /memory/,
    ],
  ])('%s is refused', async (_what, part, says) => {
    const text = `cluster: x\nnodes: [{ name: HV1, memory: 8GB, features: [Hyper-V] }]\n${part}\n`;
    const { code, err } = await watari(['lab', 'start', '--scenario', file('s.yaml', text)]);
    expect(code).toBe(2);
    expect(err).toContain('s.yaml:3');
    expect(err).toMatch(says);
  });
});

describe('--json', () => {
  it('answers an error as JSON on standard output, with the same exit code', async () => {
    const args = ['cluster', 'plan', '--json', '-f', file('j.yaml', 'cluster: 5\n')];
    const { code, out } = await watari(args);
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({
      error: { problems: [{ where: 'j.yaml:1:1' }, { where: 'j.yaml:1:10' }] },
    });
  });
});
