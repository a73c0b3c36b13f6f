// The kit of the first contact on the lab's stand-ins: it asks every reading operation, nothing that a person or a
// machine could have named is in its file, and it changes nothing.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { READ_OPS } from '../../hyperv/host.ts';
import { compareContact } from '../../hyperv/powershell/contact-compare.ts';
import { makeContact, readContact, type Contact } from '../../hyperv/powershell/contact.ts';
import { standInEnvironment, standInsToLoad } from '../../lab/powershell/stand-ins.ts';
import { inProcessHost } from '../../lab/host.ts';
import { ROOT } from '../support/built-setup.ts';
import { endsWithAll, temporaryFolder } from '../support/ends.ts';
import { engine, MODULE_FOLDER } from '../support/engine.ts';
import { HABITS } from '../support/habits.ts';
import { needs, POWERSHELL } from '../support/needs.ts';
import {
  freshModules,
  literal,
  standIns,
  standInsForEach,
  type StandIns,
} from '../support/stand-ins.ts';
import { scenarioOf } from './lab-worlds.ts';

/** What no file may hold: names of everything that has one, addresses, ids, notes. */
const PLANTED = {
  cluster: 'kumo-zaibatsu',
  nodes: ['YUKI01', 'YUKI02'],
  vm: '経理サーバ-甲',
  other: 'PayrollSecret7',
  switch: 'SakuraSwitch',
  folder: 'Tanukidisk',
  iso: 'kitsune-setup',
  notes: 'ask Tanaka-san about 4711',
  ids: ['5eed1234-aaaa-4bbb-8ccc-0123456789ab', '5eed1234-aaaa-4bbb-8ccc-0123456789ac'],
  affinity: 'himitsu-class',
  account: 'daimyo-admin',
  role: 'RonSeatMap',
  rule: 'hanami-rule',
  group: 'SumoShare',
  network: 'OdenNetz',
  volume: 'UmeboshiVolume',
  pool: 'MatchaSpiegel',
  update: 'Kaiju Firmware of Tanaka-san',
  category: 'Godzilla Drivers',
  workgroup: 'EDOGRUPPE',
};

const SCENARIO = `
cluster: ${PLANTED.cluster}
nodes:
  - { name: ${PLANTED.nodes[0]}, memory: 64GB, features: [Hyper-V], switches: [${PLANTED.switch}], liveMigration: { enabled: true }, setup: { workgroup: ${PLANTED.workgroup} } }
  - { name: ${PLANTED.nodes[1]}, memory: 64GB, features: [Hyper-V], switches: [${PLANTED.switch}], liveMigration: { enabled: true } }
witness: { kind: Disk }
storage: { direct: true, virtualDisks: [${PLANTED.pool}] }
networks: [{ name: ${PLANTED.network}, role: ClusterAndClient }]
sharedVolumes: [{ name: ${PLANTED.volume}, path: 'C:\\ClusterStorage\\Volume1' }]
groups: [{ name: ${PLANTED.group}, owner: ${PLANTED.nodes[0]} }]
affinityRules: [{ name: ${PLANTED.rule}, type: DifferentNode, groups: [${PLANTED.role}] }]
updates: [{ kb: KB5099999, title: ${PLANTED.update}, categories: [${PLANTED.category}], eula: true }]
virtualMachines:
  - { name: ${PLANTED.vm}, id: ${PLANTED.ids[0]}, owner: ${PLANTED.nodes[0]}, memory: 4GB, tpm: true, gpuPartitions: 1, switches: [${PLANTED.switch}], dvds: ['C:\\ClusterStorage\\Volume1\\${PLANTED.iso}.iso'], disks: ['C:\\ClusterStorage\\Volume1\\${PLANTED.folder}.vhdx'], antiAffinity: [${PLANTED.affinity}] }
  - { name: ${PLANTED.other}, role: ${PLANTED.role}, id: ${PLANTED.ids[1]}, owner: ${PLANTED.nodes[0]}, memory: 4GB, notes: '${PLANTED.notes}' }
`;

const FORBIDDEN = [
  ...Object.values(PLANTED).flat(),
  ...['YUKI', 'Tanaka', 'Payroll', '経理', '4711', 'Sakura'],
];

/** Addresses, GUIDs and SIDs of whatever world. */
const VALUES = [
  /\b\d{1,3}(\.\d{1,3}){3}\b/,
  /[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}/i,
  /\bS-1-\d/,
  /C:\\\\/i,
  /[^ -~\s]/,
];

const leaksIn = (text: string): string[] => [
  ...FORBIDDEN.filter((word) => text.toLowerCase().includes(word.toLowerCase())),
  ...VALUES.flatMap((pattern) => pattern.exec(text)?.[0] ?? []),
];

const MODULE = `Import-Module ${literal(path.join(MODULE_FOLDER, 'Watari.HyperV.psd1'))} -DisableNameChecking\n`;

const ends = endsWithAll();

async function contactOf(
  at: StandIns,
  node: string,
  before = '',
): Promise<{ text: string; told: Contact }> {
  const file = path.join(temporaryFolder('watari-contact-', ends), 'contact.json');
  const script = `${MODULE}${before}\nTest-WatariContact -Path ${literal(file)} | Out-Null`;
  const ran = await at.run(script, node);
  expect(ran.stderr).toBe('');
  const text = fs.readFileSync(file, 'utf8');
  return { text, told: readContact(text) };
}

const matters = (told: Contact) =>
  compareContact(told)
    .filter((one) => one.matters)
    .map((one) => `${one.about}: ${one.seen}`);

describe('the kit of the first contact', needs(POWERSHELL), () => {
  let at: StandIns;
  standInsForEach(SCENARIO, (made) => (at = made));
  const HERE = PLANTED.nodes[0] ?? '';

  /** Through the door of a worker, as `watari worker contact` asks for it. */
  async function contactOfWorker(): Promise<{ text: string; told: Contact; at: StandIns }> {
    const file = path.join(temporaryFolder('watari-contact-', ends), '連絡 contact.json');
    // A job of its own note, under way.
    const { updates } = (await inProcessHost(at.lab, HERE).readUpdates({})).facts;
    const ids = updates.map(({ id }) => id);
    await inProcessHost(at.lab, HERE).downloadUpdates({ ids, acceptEula: true });
    const told = await makeContact({
      engine: engine(),
      file,
      env: standInEnvironment({ folder: at.modules, url: at.url, node: HERE }),
      loadFirst: standInsToLoad(at.modules),
    });
    return { text: fs.readFileSync(file, 'utf8'), told, at };
  }

  /** One contact for whoever only looks at it. */
  let first: ReturnType<typeof contactOfWorker> | null = null;
  const firstContact = () => (first ??= contactOfWorker());

  it('asks every reading operation, and the stand-ins are what it expects', async () => {
    const { text, told } = await firstContact();
    const asked = told.operations.map((one) => one.operation.split(',')[0]);
    expect([...new Set(asked)].sort()).toEqual([...READ_OPS].sort());
    expect(told.operations.filter((one) => !one.answered)).toEqual([]);
    expect(told.whole).toBe(true);
    expect(leaksIn(text)).toEqual([]);
    expect(matters(told)).toEqual([]);
    // Or there was nothing to leak.
    const rows = Object.fromEntries(told.calls.map((one) => [one.call, one.rows]));
    expect(rows["Watari.Probe\\Read-Note -Name 'UpdateJob'"]).toBe(1);
    expect(rows['Storage\\Get-StorageFaultDomain -Type StorageScaleUnit']).toBe(2);
  });

  it('tells properties, private ones among them, kinds and prices', async () => {
    const { told } = await firstContact();
    const { properties = {} } = told.types['Microsoft.HyperV.PowerShell.VMSecurity'] ?? {};
    expect(Object.keys(properties)).toContain('TpmEnabled');
    expect(Object.keys(properties)).not.toContain('VMId');
    const ofResource = 'Microsoft.FailoverClusters.PowerShell.ClusterParameter of ClusterResource';
    expect(told.types[ofResource]?.properties['VmID']).toEqual(['String, guid-like']);
    expect(told.checks.beginOfBoot).toEqual(['DateTime', 'DateTime']);
    const priced = told.calls.filter((one) => one.operation === 'prices');
    expect(priced.map((one) => one.times)).toEqual([20, 20, 20, 20, 20]);
    const refused = told.calls.find((one) => one.call === 'Hyper-V\\Get-VM -Id $nobody');
    expect(refused?.errors[0]).toMatchObject({ category: 'InvalidArgument' });
  });

  it('changes nothing, signs in nowhere and calls no cmdlet that acts', async () => {
    const { at: there } = await firstContact();
    expect(there.lab.effects()).toEqual([]);
    const called = there.door.cmdlets();
    expect(called.length).toBeGreaterThan(100);
    const acts = called.filter(
      ({ cmdlet, bound }) =>
        !/^(Get|Test|Read)-/.test(cmdlet) &&
        // Objects in this process, and a search.
        !/^IUpdate(Session3\.Create|Searcher\w*\.Search|Collection\.Item)/.test(cmdlet) &&
        !/^"(Get|Enum|Check)/.test(JSON.stringify(bound['MethodName'] ?? '')),
    );
    expect(acts).toEqual([]);
    expect(called.filter(({ bound }) => 'ComputerName' in bound)).toEqual([]);
  });

  it('keeps names out of errors whose ids and texts are made of them', async () => {
    const name = PLANTED.vm;
    const errors: [cmdlet: string, fqid: string, message: string][] = [
      ['Get-VM', `The VM '${name}' is gone.`, `The VM '${name}' is gone.`],
      ['Get-ClusterNode', `${PLANTED.nodes[1] ?? ''},Get-ClusterNode`, 'no'],
      ['Get-ClusterGroup', `${PLANTED.other},${PLANTED.other}`, PLANTED.other],
      [
        'Get-VMHost',
        'Himitsunamae,Microsoft.HyperV.PowerShell.Commands.GetVMHost',
        "'Himitsunamae' (0x80070005)",
      ],
      [
        'Get-ClusterNetwork',
        'Brandnew,Microsoft.FailoverClusters.PowerShell.GetNetworkCommand',
        'no network',
      ],
    ];
    for (const [cmdlet, fqid, message] of errors) {
      const error = { fqid, message, category: 'NotSpecified' };
      await at.post({ action: 'disturb', disturbance: { cmdlet, times: 9, error } });
    }
    const { text, told } = await contactOf(at, HERE);
    expect(leaksIn(text)).toEqual([]);
    expect(text).not.toContain('Himitsunamae');
    const errorOf = (operation: string) =>
      told.operations.find((one) => one.operation === operation)?.error;
    expect(errorOf('readNodes')?.id).toBe('hidden,Get-ClusterNode');
    expect(errorOf('readMigrationSettings')).toMatchObject({
      id: 'hidden,Microsoft.HyperV.PowerShell.Commands.GetVMHost',
      message: 'String, number in parentheses',
    });
    // A new id of Windows is what the kit is for.
    expect(errorOf('readNetworks')?.id).toMatch(/^Brandnew,/);
    expect(matters(told).some((line) => line.startsWith('readNetworks: NotSpecified, Brand'))).toBe(
      true,
    );
  });

  it('counts properties whose names somebody made, and tells them not', async () => {
    const { out, stderr } = await at.run(
      `${MODULE} $module = Get-Module Watari.HyperV
       $words = & $module {
         $script:Contact = New-ContactNote
         $made = [pscustomobject]@{ Name = 'x' }
         foreach ($name in ${literal(PLANTED.other)}, ${literal(PLANTED.vm)}, 'Tanaka') { $made | Add-Member -NotePropertyName $name -NotePropertyValue 1 }
         $row = [pscustomobject]@{ Name = 'Tanaka'; Value = 'geheim'; ClusterObject = $null }
         $row.PSObject.TypeNames.Insert(0, 'Microsoft.FailoverClusters.PowerShell.ClusterParameter')
         $class = [pscustomobject]@{ Name = 'x' }
         $class.PSObject.TypeNames.Insert(0, 'Tanaka.Payroll')
         foreach ($one in $made, $row, $class) { [void](Add-ContactShape $one) }
         # A property that a type declares is told, whatever it is called.
         [void](Add-ContactShape ([System.Diagnostics.Stopwatch]::StartNew()))
         Get-ContactReport $true | ConvertTo-Json -Depth 8
       }
       Out-Test ([string]::Join('', @($words)))`,
    );
    expect(stderr).toBe('');
    const text = out[0] as string;
    expect(leaksIn(text)).toEqual([]);
    expect(text).not.toContain('geheim');
    const { types } = readContact(text);
    expect(types['object']).toEqual({ properties: { Name: ['String'] }, hidden: 3 });
    const rows = Object.entries(types).find(([type]) => type.includes('ClusterParameter of'));
    expect(rows?.[1]).toEqual({ properties: {}, hidden: 1 });
    expect(Object.keys(types['System.Diagnostics.Stopwatch']?.properties ?? {})).toContain(
      'IsRunning',
    );
  });

  it('reads the names of an event’s fields out of its template', async () => {
    const { out } = await at.run(
      `${MODULE} Out-Test @(& (Get-Module Watari.HyperV) { Read-ContactTemplate '<template xmlns="http://schemas.microsoft.com/win/2004/08/events">
  <data name="VmName" inType="win:UnicodeString" outType="xs:string"/>
  <data name="ErrorCode" inType="win:HexInt32"/></template>' })`,
    );
    expect(out[0]).toEqual(['VmName win:UnicodeString', 'ErrorCode win:HexInt32']);
  });

  it('leaves what it knows when PowerShell ends in the middle', async () => {
    const file = path.join(temporaryFolder('watari-contact-', ends), 'contact.json');
    const disturbance = { cmdlet: 'Get-WindowsFeature', exit: 9 };
    await at.post({ action: 'disturb', disturbance });
    await at.run(`${MODULE} Test-WatariContact -Path ${literal(file)}`, HERE);
    const told = readContact(fs.readFileSync(file, 'utf8'));
    expect(told.whole).toBe(false);
    expect(told.operations.length).toBeGreaterThan(20);
    expect(matters(told)[0]).toMatch(/^the file: ends in the middle/);
  });
});

const scenarioFile = (name: string): string =>
  fs.readFileSync(path.join(ROOT, 'lab', 'scenarios', name), 'utf8');

/** What the cluster tells, in a world whose cluster does not answer. */
const OF_CLUSTER = [
  'readCluster',
  'readGroups',
  'readLinks',
  'readNetworks',
  'readNodes',
  'readRoles',
  'readSharedVolumes',
  'readStorage',
];

interface ContactWorld {
  world: string;
  scenario: string;
  node: string;
  /** Operations without an answer; null: not told. */
  lacks: string[] | null;
  /** Simulated, before the kit is started. */
  after?: number;
}

const WORLDS: ContactWorld[] = [
  {
    world: 'a node without Hyper-V',
    scenario: scenarioOf({}),
    node: 'HV3',
    lacks: ['readSwitches', 'readMigrationSettings', 'readMovesAway', 'readVms', 'readVmStorage'],
  },
  { world: 'the demo’s', scenario: scenarioFile('demo.yaml'), node: 'HV1', lacks: null },
  { world: 'a Japanese', scenario: `${scenarioOf({})}culture: ja-JP\n`, node: 'HV1', lacks: [] },
  { world: 'the oldest', scenario: `${scenarioOf({})}build: 2019\n`, node: 'HV1', lacks: [] },
  { world: 'an older', scenario: `${scenarioOf({})}build: 2022\n`, node: 'HV1', lacks: [] },
  {
    world: 'every bad habit’s',
    // Nobody moves the clock here, so nothing may take time.
    scenario: `cluster: habits\n${HABITS.replace(/^costs: .*\n/m, '')}`,
    node: 'HV3',
    lacks: [],
    after: 10,
  },
  {
    world: 'sixteen nodes’',
    // Six of its VMs: each of the others costs time and adds no question.
    scenario: scenarioFile('sixteen-nodes.yaml').replace(
      /^ +- \{ name: vm-(0[2-9]|1[0-5]).*\n/gm,
      '',
    ),
    node: 'HV01',
    lacks: [],
  },
  {
    world: 'a stopped cluster’s',
    scenario: `${scenarioOf({})}faults: [{ on: quorumLost, when: { seconds: 1 }, seconds: 600 }]\n`,
    node: 'HV1',
    lacks: OF_CLUSTER,
    after: 30,
  },
];

describe('the kit in other worlds', needs(POWERSHELL), () => {
  let all: Promise<{ at: StandIns; text: string; told: Contact }[]> | null = null;

  /** One shell goes from world to world: starting one, and the first calls in it, cost as much as a contact. */
  async function visitAll() {
    const modules = freshModules();
    ends(() => {
      fs.rmSync(modules, { recursive: true, force: true });
    });
    const visits = [];
    for (const { scenario, node, after } of WORLDS) {
      const at = ends(await standIns(scenario, modules));
      if (after !== undefined) await at.post({ action: 'advance', seconds: after });
      const file = path.join(temporaryFolder('watari-contact-', ends), 'contact.json');
      const script =
        `$env:LAB_URL = ${literal(at.url)}; $env:LAB_NODE = ${literal(node)}\n` +
        // Anew: the module remembers what does not change on one node.
        `${MODULE.replace('\n', ' -Force\n')}Test-WatariContact -Path ${literal(file)} | Out-Null\n`;
      visits.push({ at, file, script });
    }
    const ran = await visits[0]?.at.run(visits.map((one) => one.script).join(''));
    expect(ran?.stderr).toBe('');
    return visits.map(({ at, file }) => {
      const text = fs.readFileSync(file, 'utf8');
      return { at, text, told: readContact(text) };
    });
  }

  it.each(WORLDS)(
    'tells what answers and what does not in $world world, and no name',
    async (one) => {
      const visited = (await (all ??= visitAll()))[WORLDS.indexOf(one)];
      if (visited === undefined) throw new Error('not visited');
      const { at, text, told } = visited;
      expect(told.whole).toBe(true);
      const failed = told.operations.filter((o) => !o.answered).map((o) => o.operation);
      if (one.lacks !== null)
        expect(failed.filter((name) => !name.includes(',')).sort()).toEqual([...one.lacks].sort());
      // What is not there is refused with the module's own ids.
      const own = /^(HyperVMissing|HyperVNotReady|ClusterUnreachable)$/;
      const ids = told.operations.flatMap((o) => o.error?.id ?? []);
      expect(ids.filter((id) => !own.test(id))).toEqual([]);
      const { nodes, vms } = at.lab.state();
      const names = [...nodes.map((node) => node.name), ...vms.flatMap((vm) => [vm.name, vm.id])];
      const leaks = names.filter((name) => new RegExp(`\\b${name}\\b`, 'i').test(text));
      expect(leaks).toEqual([]);
      expect(VALUES.flatMap((pattern) => pattern.exec(text)?.[0] ?? [])).toEqual([]);
      const others = matters(told).filter(
        (line) => !/HyperVMissing|HyperVNotReady|ClusterUnreachable/.test(line),
      );
      expect(others).toEqual([]);
    },
  );
});
