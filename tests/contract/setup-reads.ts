// Contract of the readings behind `cluster doctor`: how a node was set up, what it finds when it turns to the others,
// what its logs say, and where the files of its VMs are. Every test has a world of its own, since these are states that
// no operation makes.
import { afterEach, describe, expect, it } from 'vitest';
import type { PeerFacts, SetupFacts, VmStorageFacts } from '../../domain/facts.ts';
import { roleNamed } from './expecting.ts';
import { VOLUME, type Changes, type MakeWorld, type World } from './world.ts';

const SID = /^S-1-5-21(-\d+){3}-\d+$/;
const PORTS = [3343, 6600, 5985, 445, 22];

export function describeSetupReads(makeWorld: MakeWorld): void {
  const held: { world: World | null } = { world: null };
  const worldWith = async (changes: Changes = {}): Promise<World> =>
    (held.world = await makeWorld(changes));
  afterEach(async () => {
    await held.world?.close();
    held.world = null;
  });

  describe('reading how a node was set up', () => {
    const setupOf = async (node: string, changes: Changes = {}): Promise<SetupFacts> =>
      (await (await worldWith(changes)).host(node).readSetup({ ports: PORTS })).facts;

    it('tells of a node that lacks nothing', async () => {
      const facts = await setupOf('HV1');
      expect(facts).toEqual({
        node: 'HV1',
        workgroup: 'WORKGROUP',
        domain: null,
        dnsSuffix: 'lab.internal',
        updateRevision: 4652,
        account: {
          name: 'watari',
          sid: expect.stringMatching(SID) as string,
          enabled: true,
          builtIn: false,
          elevated: true,
        },
        administrators: [
          {
            name: 'Administrator',
            sid: expect.stringMatching(/-500$/) as string,
            enabled: false,
            builtIn: true,
          },
          {
            name: 'watari',
            sid: expect.stringMatching(SID) as string,
            enabled: true,
            builtIn: false,
          },
        ],
        policies: {
          localAccountTokenFilterPolicy: 1,
          allowPku2u: null,
          allowCustomSspsAps: null,
          blockNtlm: false,
          virtualMachineRights: { createSymbolicLinks: true, logOnAsService: true },
        },
        trustedHosts: ['HV2', 'HV3'],
        bios: '2.4.1',
        microcode: '2B000639',
        listening: [3343, 6600, 5985, 445],
        shieldingCertificates: [],
        security: {
          lockout: { threshold: 10, minutes: 10, windowMinutes: 10 },
          rights: {
            batch: ['S-1-5-32-544', 'S-1-5-32-551', 'S-1-5-32-559'],
            denyBatch: [],
            network: ['S-1-1-0', 'S-1-5-32-544'],
            denyNetwork: [],
          },
          locked: false,
          passwordExpires: null,
          credentialGuard: false,
        },
        automaticUpdates: { off: 1, option: null },
        cluster: { coreGroupOwner: 'HV1' },
      });
      expect(facts.account.sid).toBe(facts.administrators[1]?.sid);
    });

    it('tells what was set otherwise', async () => {
      const thumbprint = '0A1B2C3D4E5F60718293A4B5C6D7E8F901234567';
      const facts = await setupOf('HV1', {
        setup: {
          HV1: {
            workgroup: '支店',
            dnsSuffix: '',
            updateRevision: 1,
            elevated: false,
            administrators: [
              { name: 'Chef', builtIn: true },
              { name: 'watari', enabled: false },
            ],
            localAccountTokenFilterPolicy: 0,
            allowPku2u: 0,
            allowCustomSspsAps: 0,
            blockNtlm: true,
            virtualMachineRights: { createSymbolicLinks: false },
            trustedHosts: ['10.0.0.*', 'HV2'],
            bios: 'U30 v2.4 (08/02/2025)',
            microcode: '0A0011D5',
            shieldingCertificates: [thumbprint],
            lockout: { threshold: 0 },
            locked: true,
            rights: { denyNetwork: ['S-1-5-114', '支店\\バックアップ'] },
            passwordExpiresInDays: 12,
            credentialGuard: true,
            noAutoUpdate: 0,
            autoUpdateOption: 4,
          },
        },
      });
      expect(facts.security).toMatchObject({
        lockout: { threshold: 0, minutes: 0, windowMinutes: 0 },
        rights: { denyNetwork: ['S-1-5-114', '支店\\バックアップ'] },
        locked: true,
        credentialGuard: true,
      });
      expect(facts.security?.passwordExpires).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      expect(facts.automaticUpdates).toEqual({ off: 0, option: 4 });
      expect(facts).toMatchObject({
        workgroup: '支店',
        dnsSuffix: '',
        updateRevision: 1,
        account: { name: 'watari', enabled: false, elevated: false },
        administrators: [
          { name: 'Chef', enabled: true, builtIn: true },
          { name: 'watari', enabled: false, builtIn: false },
        ],
        policies: {
          localAccountTokenFilterPolicy: 0,
          allowPku2u: 0,
          allowCustomSspsAps: 0,
          blockNtlm: true,
          virtualMachineRights: { createSymbolicLinks: false, logOnAsService: true },
        },
        trustedHosts: ['10.0.0.*', 'HV2'],
        bios: 'U30 v2.4 (08/02/2025)',
        microcode: '0A0011D5',
        shieldingCertificates: [thumbprint],
      });
    });

    it('tells null of what is not set or cannot be read, and nothing of what is not there', async () => {
      const { account, administrators, policies, trustedHosts, security } = await setupOf('HV2', {
        setup: {
          HV2: {
            account: 'visitor',
            administrators: [],
            localAccountTokenFilterPolicy: null,
            blockNtlm: null,
            virtualMachineRights: null,
            credentialGuard: null,
            trustedHosts: [],
          },
        },
      });
      expect(account).toMatchObject({ name: 'visitor', enabled: true, builtIn: false });
      expect(account.sid).toMatch(SID);
      expect(administrators).toEqual([]);
      expect(policies).toEqual({
        localAccountTokenFilterPolicy: null,
        allowPku2u: null,
        allowCustomSspsAps: null,
        blockNtlm: null,
        virtualMachineRights: null,
      });
      expect(trustedHosts).toEqual([]);
      expect(security).toMatchObject({ lockout: null, rights: null, credentialGuard: null });
    });

    it('tells the domain of a node that is in one, and its local administrators only', async () => {
      const { workgroup, domain, administrators } = await setupOf('HV2', {
        setup: { HV2: { domain: 'corp.example' } },
      });
      expect({ workgroup, domain }).toEqual({ workgroup: null, domain: 'corp.example' });
      expect(administrators.map((one) => one.name)).toEqual(['Administrator', 'watari']);
    });

    it('tells nothing of virtual machines where Hyper-V is missing', async () => {
      const { policies, listening } = await setupOf('HV3');
      expect(policies.virtualMachineRights).toBeNull();
      expect(listening).toEqual([3343, 5985, 445]);
    });

    it('gives accounts of one name another SID on each node', async () => {
      const world = await worldWith();
      const sid = async (node: string): Promise<string> =>
        (await world.host(node).readSetup({ ports: [] })).facts.account.sid;
      expect(await sid('HV1')).not.toBe(await sid('HV2'));
    });
  });

  describe('turning to other nodes', () => {
    const peersOf = async (world: World, nodes: string[], ports = PORTS): Promise<PeerFacts[]> =>
      (await world.host('HV1').readPeers({ nodes, ports })).facts;
    const hv2 = async (changes: Changes): Promise<PeerFacts> => {
      const [facts] = await peersOf(await worldWith(changes), ['HV2']);
      if (facts === undefined) throw new Error('HV1 tells nothing of HV2');
      return facts;
    };
    const openOf = (facts: PeerFacts | undefined): number[] =>
      (facts?.ports ?? []).filter((one) => one.open).map((one) => one.port);

    it('finds names, ports, a sign-in and the clock, in the order of asking', async () => {
      const facts = await peersOf(await worldWith(), ['HV3', 'HV2']);
      expect(facts.map((peer) => peer.node)).toEqual(['HV3', 'HV2']);
      for (const peer of facts) {
        expect(peer.addresses.length).toBeGreaterThan(0);
        expect(peer.ports.map((one) => one.port)).toEqual(PORTS);
        expect(peer.signIn).toEqual({ ok: true, hresult: null, message: null });
        expect(Math.abs(peer.clockAheadSeconds ?? 99)).toBeLessThan(2);
      }
      expect(openOf(facts[0])).toEqual([3343, 5985, 445]);
      expect(openOf(facts[1])).toEqual([3343, 6600, 5985, 445]);
    });

    it('has nothing to tell when it is asked for nobody', async () => {
      expect(await peersOf(await worldWith(), [])).toEqual([]);
    });

    it.each<[string, Changes, string]>([
      ['the password is another', { setup: { HV2: { password: 'other' } } }, '0x8009030E'],
      [
        'the account is disabled',
        { setup: { HV2: { administrators: [{ name: 'watari', enabled: false }] } } },
        '0x8009030E',
      ],
      [
        'the account is not there',
        { setup: { HV2: { administrators: [{ name: 'someone' }] } } },
        '0x8009030E',
      ],
      ['nobody is trusted', { setup: { HV1: { trustedHosts: [] } } }, '0x803380E4'],
      [
        'remote sessions of local accounts have no rights',
        { setup: { HV2: { localAccountTokenFilterPolicy: null } } },
        '0x80070005',
      ],
      ['NTLM is blocked', { setup: { HV1: { blockNtlm: true } } }, '0x8009030E'],
      ['WinRM is behind a firewall', { setup: { HV2: { closedPorts: [5985] } } }, '0x80338126'],
    ])('is not let in when %s', async (_when, changes, hresult) => {
      const { signIn, clockAheadSeconds, addresses } = await hv2(changes);
      expect(signIn).toMatchObject({ ok: false, hresult });
      expect(signIn?.message).toMatch(/.{10}/);
      expect(clockAheadSeconds).toBeNull();
      expect(addresses.length).toBeGreaterThan(0);
    });

    it('signs in nowhere when it is told not to', async () => {
      const world = await worldWith({ setup: { HV2: { password: 'other' } } });
      const nodes = ['HV3', 'HV2'];
      const { facts } = await world.host('HV1').readPeers({ nodes, ports: PORTS, signIn: false });
      expect(facts.map((peer) => [peer.signIn, peer.clockAheadSeconds])).toEqual([
        [null, null],
        [null, null],
      ]);
      expect(openOf(facts[1])).toEqual([3343, 6600, 5985, 445]);
    });

    it('asks nobody after the first refusal', async () => {
      const facts = await peersOf(await worldWith({ setup: { HV1: { password: 'other' } } }), [
        'HV2',
        'HV3',
      ]);
      expect(facts.map((peer) => peer.signIn?.hresult)).toEqual(['0x8009030E', undefined]);
    });

    it('is told that an account is locked once it was refused too often, and locks no other', async () => {
      const world = await worldWith({
        setup: { HV2: { password: 'other', lockout: { threshold: 2 } } },
      });
      const codes: unknown[] = [];
      for (let i = 0; i < 3; i += 1)
        codes.push((await peersOf(world, ['HV2']))[0]?.signIn?.hresult);
      expect(codes).toEqual(['0x8009030E', '0x8009030E', '0x80070775']);
      const locked = async (node: string) =>
        (await world.host(node).readSetup({ ports: [] })).facts.security?.locked;
      expect([await locked('HV2'), await locked('HV3')]).toEqual([true, false]);
    });

    it.each<[string, Changes]>([
      ['everybody is trusted', { setup: { HV1: { trustedHosts: ['*'] } } }],
      [
        'the built-in administrator needs no policy for remote sessions',
        {
          setup: Object.fromEntries(
            ['HV1', 'HV2'].map((node) => [
              node,
              {
                account: 'Chef',
                administrators: [{ name: 'Chef', builtIn: true }],
                localAccountTokenFilterPolicy: null,
              },
            ]),
          ),
        },
      ],
    ])('is let in when %s', async (_when, changes) => {
      expect((await hv2(changes)).signIn).toEqual({ ok: true, hresult: null, message: null });
    });

    it('finds the ports that a firewall leaves', async () => {
      const facts = await hv2({ setup: { HV2: { closedPorts: [6600, 445] } } });
      expect(openOf(facts)).toEqual([3343, 5985]);
      expect(facts.signIn?.ok).toBe(true);
    });

    it('measures the clock of the other against its own', async () => {
      const facts = await hv2({
        setup: { HV1: { clockAheadSeconds: -30 }, HV2: { clockAheadSeconds: 600 } },
      });
      expect(Math.abs((facts.clockAheadSeconds ?? 0) - 630)).toBeLessThan(2);
    });

    it('tells of a name that nobody knows, of a node without power and of one whose network is cut', async () => {
      const world = await worldWith();
      await world.powerOff('HV3');
      await world.cutOff('HV2');
      const [nobody, off, cut] = await peersOf(world, ['HV9', 'HV3', 'HV2']);
      expect(nobody?.addresses).toEqual([]);
      expect(off?.addresses.length).toBeGreaterThan(0);
      for (const peer of [nobody, off, cut]) {
        expect(openOf(peer)).toEqual([]);
        expect(peer?.ports.map((one) => one.port)).toEqual(PORTS);
        expect(peer?.signIn).toMatchObject({ ok: false, hresult: '0x80338126' });
        expect(peer?.clockAheadSeconds).toBeNull();
      }
    });
  });

  it('finds in the event logs what was there before', async () => {
    const world = await worldWith({
      events: {
        HV1: [
          { log: 'System', id: 1135, hoursAgo: 20, message: 'HV2 が応答しません' },
          {
            log: 'Microsoft-Windows-Hyper-V-VMMS-Admin',
            id: 21502,
            hresult: '0x800705AA',
            vm: 'db-1',
          },
          { log: 'System', id: 5120, hoursAgo: 40 },
          {
            log: 'Microsoft-Windows-Hyper-V-High-Availability-Admin',
            id: 21131,
            hoursAgo: 0.5,
            vm: 'db-1',
          },
          {
            log: 'Microsoft-Windows-Hyper-V-VMMS-Operational',
            id: 1106,
            hoursAgo: 0.4,
            hresult: '0x80070534',
          },
        ],
      },
    });
    const host = world.host('HV1');
    const now = Date.parse((await host.readHost({})).facts.now);
    const since = new Date(now - 24 * 3_600_000).toISOString();
    const { facts } = await host.readEvents({ since, max: 50 });
    const told = facts.map(({ log, id, level, message, hresult, vm }) => {
      return { log, id, level, message, hresult, vm };
    });
    expect(told).toEqual([
      {
        log: 'System',
        id: 1135,
        level: 2,
        message: 'HV2 が応答しません',
        hresult: null,
        vm: null,
      },
      {
        log: 'Microsoft-Windows-Hyper-V-VMMS-Admin',
        id: 21502,
        level: 2,
        message: '',
        hresult: '0x800705AA',
        vm: 'db-1',
      },
      // It names the resource; whose that is, the cluster tells.
      {
        log: 'Microsoft-Windows-Hyper-V-High-Availability-Admin',
        id: 21131,
        level: 2,
        message: '',
        hresult: null,
        vm: 'db-1',
      },
      {
        log: 'Microsoft-Windows-Hyper-V-VMMS-Operational',
        id: 1106,
        level: 2,
        message: '',
        hresult: '0x80070534',
        vm: null,
      },
    ]);
    const { vmId } = await roleNamed(world, 'db-1');
    expect(facts.map((event) => event.vmIds)).toEqual([[], [vmId], [vmId], []]);
  });

  describe("reading where the files of a node's VMs are", () => {
    const storageOf = async (node: string, changes: Changes = {}): Promise<VmStorageFacts[]> =>
      (await (await worldWith(changes)).host(node).readVmStorage({})).facts;

    it('tells configuration, paging file and disks of the VMs of this node only', async () => {
      const facts = await storageOf('HV1');
      expect(facts.map((vm) => vm.name)).toEqual(['db-1', 'files-1', 'lone-1']);
      expect(facts[0]).toEqual({
        vmId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        name: 'db-1',
        configurationPath: `${VOLUME}\\db-1`,
        smartPagingPath: `${VOLUME}\\db-1`,
        snapshotPath: `${VOLUME}\\db-1`,
        disks: [{ path: `${VOLUME}\\db-1.vhdx`, parents: [], shared: false }],
      });
    });

    it('tells checkpoints as parents, nearest first, shared disks, and files elsewhere', async () => {
      const disks = ['C:\\Local\\files-1_2.avhdx', `${VOLUME}\\files-1-data.vhdx`];
      const parents = [`${VOLUME}\\files-1_1.avhdx`, `${VOLUME}\\基 [1].vhdx`];
      const [, files, lone] = await storageOf('HV1', {
        vms: {
          'files-1': { disks, parents, configurationPath: 'D:\\Hyper-V\\files-1' },
          'lone-1': { sharedDisks: true },
        },
      });
      expect(files).toMatchObject({
        configurationPath: 'D:\\Hyper-V\\files-1',
        smartPagingPath: 'D:\\Hyper-V\\files-1',
        disks: [
          { path: disks[0], parents, shared: false },
          { path: disks[1], parents: [], shared: false },
        ],
      });
      expect(lone?.disks).toEqual([{ path: `${VOLUME}\\lone-1.vhdx`, parents: [], shared: true }]);
    });

    it('counts a VHD set as no shared disk: it moves with its VM', async () => {
      const disks = [`${VOLUME}\\quorum.vhds`, `${VOLUME}\\data.vhdx`];
      const [, files] = await storageOf('HV1', {
        vms: { 'files-1': { disks, sharedDisks: true } },
      });
      expect(files?.disks.map((disk) => disk.shared)).toEqual([false, true]);
    });
  });
}
