// Who signs in where, and that no number of sign-ins locks an account: on labs in which wrong ones count.
import { describe, expect, it } from 'vitest';
import { createExamActivities } from '../../activities/examine.ts';
import { planSignIns } from '../../domain/doctor/sign-ins.ts';
import { inProcessHost } from '../../lab/host.ts';
import { manualClock } from '../../lab/machine/clock.ts';
import { Lab } from '../../lab/machine/lab.ts';
import { parseScenario } from '../../lab/scenario/read.ts';
import { problemsOf } from '../support/doctor-expecting.ts';
import {
  healthy,
  reportOf,
  scenarioText,
  viewOfLab,
  type NodeSketch,
  type Sketch,
} from '../support/doctor-world.ts';

const labOf = (sketch: Sketch): Lab =>
  new Lab(parseScenario(scenarioText(sketch), 'doctor.yaml'), manualClock());

async function examine(sketch: Sketch) {
  const lab = labOf(sketch);
  const view = await viewOfLab(lab, sketch, (node) => inProcessHost(lab, node));
  return { lab, view, report: reportOf(view) };
}

const withSetups = (setups: Record<string, NonNullable<NodeSketch['setup']>>): Sketch => {
  const sketch = healthy();
  for (const node of sketch.nodes) node.setup = { ...node.setup, ...setups[node.name] };
  return sketch;
};

const planOf = async (sketch: Sketch) => {
  const { asks, left } = planSignIns((await examine(sketch)).view);
  return { asks: asks.map(({ asker, peer }) => `${asker} > ${peer}`), left };
};

const locks = (threshold: number) => ({ lockout: { threshold, minutes: 15, windowMinutes: 15 } });

describe('the plan of sign-ins', () => {
  it.each<[string, Parameters<typeof withSetups>[0], string[], string[]]>([
    ['asks each node once, by the one before it', {}, ['HV3 > HV1', 'HV1 > HV2', 'HV2 > HV3'], []],
    [
      'asks nobody whose account two slips lock',
      { HV2: locks(2) },
      ['HV3 > HV1', 'HV2 > HV3'],
      ['HV2'],
    ],
    [
      'asks where accounts are never locked',
      { HV2: locks(0) },
      ['HV3 > HV1', 'HV1 > HV2', 'HV2 > HV3'],
      [],
    ],
    [
      'asks nobody whose account is locked',
      { HV1: { locked: true } },
      ['HV1 > HV2', 'HV2 > HV3'],
      ['HV1'],
    ],
    [
      'asks nobody who does not show when accounts are locked',
      { HV3: { virtualMachineRights: null } },
      ['HV3 > HV1', 'HV1 > HV2'],
      ['HV3'],
    ],
    [
      'takes another asker for one that trusts nobody',
      { HV3: { trustedHosts: [] } },
      ['HV2 > HV1', 'HV1 > HV2', 'HV2 > HV3'],
      [],
    ],
    [
      'takes another asker for one that blocks NTLM, or has an account of another name',
      {
        HV3: { blockNtlm: true },
        HV1: { account: 'operator', administrators: [{ name: 'operator' }, { name: 'watari' }] },
      },
      ['HV2 > HV1', 'HV1 > HV2', 'HV2 > HV3'],
      [],
    ],
    [
      'leaves out a node that nobody reaches',
      { HV2: { closedPorts: [5985] } },
      ['HV3 > HV1', 'HV2 > HV3'],
      ['HV2'],
    ],
  ])('%s', async (_claim, setups, asks, left) => {
    const plan = await planOf(withSetups(setups));
    expect(plan.asks).toEqual(asks);
    expect(plan.left.map(({ peer }) => peer)).toEqual(left);
  });
});

describe('a sign-in that is refused', () => {
  it('is told of the one node that the others do not agree with', async () => {
    const sketch = withSetups({ HV1: { password: 'other' } });
    sketch.nodes.push(...['HV4', 'HV5'].map((name) => ({ ...sketch.nodes[1]!, name })));
    const { report } = await examine(sketch);
    const found = report.findings.filter((f) => f.check === 'sign-in');
    expect(found.map((f) => [f.level, f.subject])).toEqual([['blocker', 'HV1']]);
  });

  it('is told of the asker where nobody could ask it', async () => {
    const { report } = await examine(
      withSetups({ HV1: { password: 'other', closedPorts: [5985] } }),
    );
    const found = report.findings.filter((f) => f.check === 'sign-in');
    expect(found.map((f) => [f.level, f.subject])).toEqual([['blocker', 'HV1']]);
    expect(found[0]?.seen).toMatch(/^HV2 does not let its account in, and does that of other/);
  });

  it('counts once at the most at each node, however many nodes have another password', async () => {
    const sketch = withSetups({
      HV1: { password: 'one', ...locks(3) },
      HV2: { password: 'two', ...locks(3) },
      HV3: { password: 'three', ...locks(3) },
    });
    const { lab, report } = await examine(sketch);
    expect(problemsOf(report)).toEqual(['sign-in']);
    for (const name of lab.nodes()) {
      const { facts } = await inProcessHost(lab, name).readSetup({ ports: [] });
      expect(facts.security?.locked).toBe(false);
    }
  });

  it('is not repeated within the window of the lock, and is told again meanwhile', async () => {
    const sketch = withSetups({ HV2: { password: 'other', ...locks(3) } });
    const lab = labOf(sketch);
    const at = { now: new Date('2026-11-24T09:00:00Z'), elapsedMs: 0 };
    let asked = 0;
    const host = inProcessHost(lab, 'HV1');
    const activities = createExamActivities({
      host: {
        ...host,
        readPeers: (args) => {
          asked += 1;
          return host.readPeers(args);
        },
      },
      now: () => at.now,
      elapsedMs: () => at.elapsedMs,
      lookEveryMs: 50,
      after: () => () => undefined,
      worker: { version: '0.1.0', node: '22.11.0', platform: 'win32', powershell: null },
    });
    const peers = [{ node: 'HV2', windowMinutes: 15 }];
    for (let i = 0; i < 5; i += 1) {
      const [told] = await activities.signIn({ peers });
      expect(told?.signIn?.hresult).toBe('0x8009030E');
    }
    expect(asked).toBe(1);
    // A clock that is set ahead ends no window.
    at.now = new Date('2026-11-24T10:15:00Z');
    await activities.signIn({ peers });
    expect(asked).toBe(1);
    at.elapsedMs = 15 * 60_000;
    await activities.signIn({ peers });
    expect(asked).toBe(2);
  });
});

describe('a cluster that signs in with certificates', () => {
  const CERTIFIED = { blockNtlm: true, closedPorts: [5985], trustedHosts: [] };
  const certified = (): Sketch => ({
    ...withSetups({
      HV1: { ...CERTIFIED, password: 'one' },
      HV2: { ...CERTIFIED, password: 'two' },
      HV3: { ...CERTIFIED, password: 'three' },
    }),
    virtualMachines: [],
    sharedVolumes: [],
  });
  const SHARE = '\\\\fs1\\vms';

  it('is no obstacle, with VMs on SMB alone, and what cannot be known is not checked', async () => {
    const { report } = await examine(certified());
    expect(problemsOf(report)).toEqual([]);
    const unchecked = report.unchecked.map((u) => u.check);
    for (const id of [
      'ntlm',
      'pku2u',
      'same-account',
      'token-filter',
      'trusted-hosts',
      'sign-in',
      'volumes',
    ])
      expect(unchecked).toContain(id);
  });

  it('is known by WinRM that answers over HTTPS alone, where NTLM is not blocked', async () => {
    const sketch = certified();
    for (const node of sketch.nodes) node.setup = { ...node.setup, blockNtlm: false };
    const { report } = await examine({ ...sketch, certificates: true });
    expect(problemsOf(report)).toEqual([]);
  });

  it('is looked at on 5986', async () => {
    const sketch = certified();
    sketch.nodes[2]!.setup = { ...sketch.nodes[2]!.setup, closedPorts: [5985, 5986] };
    const { report } = await examine(sketch);
    const found = report.findings.filter((f) => f.level !== 'ok');
    expect(found.map((f) => [f.check, f.level, f.subject])).toEqual([['ports', 'warning', 'HV3']]);
    expect(found[0]?.seen).toMatch(/5986/);
  });

  it('is never told to weaken anything', async () => {
    const { report } = await examine(certified());
    const remedies = report.findings.map((f) => f.remedy ?? '').join('\n');
    expect(remedies).not.toMatch(/BlockNTLM|TrustedHosts|5985|LocalAccountTokenFilterPolicy/);
  });

  const onDisk = (disk: string, folder: string) => ({
    name: 'web-1',
    owner: 'HV1',
    memory: '4GB',
    disks: [disk],
    configurationPath: folder,
  });

  it('needs no shared volume when its VMs are on a share, whatever signs it in', async () => {
    const sketch = healthy();
    sketch.sharedVolumes = [];
    sketch.virtualMachines = [onDisk(`${SHARE}\\web-1.vhdx`, `${SHARE}\\web-1`)];
    const { report } = await examine(sketch);
    expect(problemsOf(report)).toEqual([]);
    expect(report.unchecked).toContainEqual({
      check: 'volumes',
      why: 'there is no cluster shared volume, and the VMs are on SMB shares',
    });
  });

  it('misses the shared volume of a VM that says it is on one', async () => {
    const sketch = healthy();
    sketch.sharedVolumes = [];
    expect(problemsOf((await examine(sketch)).report)).toContain('volumes');
  });

  it('misses the shared volume of a VM that is on a disk of its node', async () => {
    const sketch = healthy();
    sketch.sharedVolumes = [];
    sketch.virtualMachines = [onDisk('D:\\VMs\\web-1.vhdx', `${SHARE}\\web-1`)];
    const { report } = await examine(sketch);
    expect(problemsOf(report)).toEqual(['vm-files', 'volumes']);
    const remedies = report.findings.map((f) => f.remedy ?? '').join('\n');
    expect(remedies).toContain(`-DestinationStoragePath '\\\\SERVER\\SHARE\\web-1'`);
  });
});
