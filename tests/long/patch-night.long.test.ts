// A whole night: four nodes with forty VMs are patched one after the other while much of what can go wrong does. First
// beside the test, then as a person would have it: typed, with real processes, through the real PowerShell on the
// stand-ins of the update objects, and with the record that an auditor gets.
import { describe, expect, inject, it } from 'vitest';
import type { EffectKind, Effect } from '../../lab/machine/records.ts';
import { engine } from '../support/engine.ts';
import { endsWithTest } from '../support/ends.ts';
import { fleet } from '../support/fleet-world.ts';
import { needs, POWERSHELL } from '../support/needs.ts';
import { realCluster } from '../support/real-cluster.ts';

const ends = endsWithTest();

const NODES = ['HV1', 'HV2', 'HV3', 'HV4'];
const VMS_PER_NODE = 10;

// HV3 is as Windows is installed: its update orchestrator restarts it by itself.
const node = (name: string): string =>
  `  - { name: ${name}, memory: 128GB, features: [Hyper-V], switches: [LAN], bootSeconds: 30, ` +
  `migrationNetwork: 10Gbps, liveMigration: { enabled: true }${name === 'HV3' ? ', setup: { noAutoUpdate: null }' : ''} }`;

const vms = NODES.flatMap((owner) =>
  Array.from(
    { length: VMS_PER_NODE },
    (_, i) => `  - { name: ${owner.toLowerCase()}-${i + 1}, owner: ${owner}, memory: 2GB }`,
  ),
);

const NIGHT = `
autoBalancer: { mode: 2, intervalSeconds: 864000 }
maximumParallelMigrations: 4
storage: { direct: true, repairSeconds: 60 }
nodes:
${NODES.map(node).join('\n')}
virtualMachines:
${vms.join('\n')}
updates:
  - { kb: KB5070001, title: Cumulative Update, revision: 5000, downloadSeconds: 20, installSeconds: 60, servicingSeconds: 20, restartsAfterSeconds: 1 }
  - { kb: KB5070002, nodes: [HV2], downloadSeconds: 5, installSeconds: 20, fails: { hresult: "0x80240016" } }
  - { kb: KB5070003, after: KB5070001, nodes: [HV4], restart: maybe, downloadSeconds: 5, installSeconds: 20 }
  - { kb: KB5070004, nodes: [HV1], dies: 1, downloadSeconds: 5, installSeconds: 20 }
  - { kb: KB2267602, restart: never, comesBack: true, downloadSeconds: 1, installSeconds: 1 }
`;

const VM_HARMED: readonly EffectKind[] = ['vm-stopped', 'vm-saved', 'vm-restarted'];

/** Nodes in the order in which they went; refused when one went while another was away. */
function wentOneByOne(effects: readonly Effect[]): string[] {
  const went: string[] = [];
  let away: string | undefined;
  for (const { kind, subject } of effects) {
    if (kind === 'node-paused') {
      expect(away, `${subject} is paused`).toBeUndefined();
      away = subject;
      went.push(subject);
    }
    if (kind === 'node-resumed') away = undefined;
  }
  return went;
}

const harmed = (effects: readonly Effect[]): string[] =>
  effects.filter(({ kind }) => VM_HARMED.includes(kind)).map((e) => `${e.kind} ${e.subject}`);

const installedOn = (effects: readonly Effect[], name: string): string[] =>
  effects.flatMap(({ kind, node, subject }) =>
    kind === 'update-installed' && node === name ? [subject] : [],
  );

function expectPatched(effects: readonly Effect[]): void {
  expect(harmed(effects)).toEqual([]);
  expect(wentOneByOne(effects).toSorted()).toEqual(NODES);
  for (const name of NODES) expect(installedOn(effects, name)).toContain('KB5070001');
  expect(installedOn(effects, 'HV2')).toContain('KB5070002');
  expect(installedOn(effects, 'HV4')).toContain('KB5070003');
  expect(installedOn(effects, 'HV1')).toContain('KB5070004');
}

const home = (vm: string): string => vm.slice(0, 3).toUpperCase();

describe('a whole night on four nodes with forty VMs', () => {
  it('patches every node, stops no VM and brings every VM home', async () => {
    const c = ends(await fleet(NIGHT));
    const run = await c.campaign('maintainCluster', {
      action: { kind: 'updates', choice: {} },
      bringBack: true,
    });
    const result = (await run.result()) as { maintained: string[]; failed: string[] };
    expect(result.maintained.toSorted()).toEqual(NODES);
    expect(result.failed).toEqual([]);
    expectPatched(c.lab.effects());
    for (const [vm, owner] of Object.entries(c.owners())) expect(owner, vm).toBe(home(vm));
    expect(NODES.map((name) => c.stateOf(name))).toEqual(['Up', 'Up', 'Up', 'Up']);
    expect(c.lab.state().storage).toMatchObject({ jobs: [], inMaintenance: [] });
  });

  it('as it is typed, through the real PowerShell, with a record', needs(POWERSHELL), async () => {
    const c = ends(
      await realCluster({
        temporal: inject('temporal'),
        scenario: NIGHT,
        speed: 20,
        powershell: engine(),
      }),
    );
    const typed = ['cluster', 'maintain', '--updates', '--bring-back', '--yes'];
    const night = c.watari(...typed);
    expect(await night.ended, night.stdout() + night.stderr()).toBe(0);
    expectPatched(await c.effects());
    const { vms: now, cluster } = await c.state();
    for (const { name, owner } of now) expect(owner, name).toBe(home(name));
    expect(cluster.autoBalancerMode).toBe(2);
    const report = c.watari('run', 'report', `watari/${c.cluster}/campaign`, '--md');
    expect(await report.ended, report.stderr()).toBe(0);
    for (const name of NODES) expect(report.stdout()).toMatch(new RegExp(`${name}.*5000`));
    expect(report.stdout()).toContain('KB5070001');
  });
});
