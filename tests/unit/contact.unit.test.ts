// A file of a first contact held against what watari stands on, and the two commands about it.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { compareFile, contactNode } from '../../client/commands/contact.ts';
import { Finished } from '../../client/errors.ts';
import { compareContact } from '../../hyperv/powershell/contact-compare.ts';
import type { Contact } from '../../hyperv/powershell/contact.ts';
import { fakeContext } from '../support/client-fakes.ts';
import { endsWithAll, temporaryFolder } from '../support/ends.ts';

const SECURITY = 'Microsoft.HyperV.PowerShell.VMSecurity';
const GROUP = 'Microsoft.FailoverClusters.PowerShell.ClusterGroup';
const AGAINST = {
  types: {
    [SECURITY]: { TpmEnabled: 'System.Boolean', Shielded: 'System.Boolean', CimSession: '' },
    [GROUP]: { Name: 'System.String', State: 'My.State', StatusInformation: 'System.UInt64' },
  },
  needed: { [SECURITY]: ['TpmEnabled'], [GROUP]: ['Name', 'State', 'StatusInformation'] },
  refusals: {
    'Hyper-V\\Get-VM -Id $nobody': { id: 'InvalidParameter,X', category: 'InvalidArgument' },
  },
};

const call = (operation: string, text: string, types: string[] = []): Contact['calls'][number] => ({
  operation,
  call: text,
  times: 1,
  rows: 2,
  ms: { first: 1, least: 1, median: 1, most: 1 },
  types,
  errors: [],
});
const answered = (operation: string, rows = 1): Contact['operations'][number] => ({
  operation,
  answered: true,
  rows,
  ms: [12],
  error: null,
});
const error = (id: string, category: string) => ({ id, category, message: 'String', chain: [] });

/** As everything should be. */
const contact = (o: Partial<Contact> = {}): Contact => ({
  format: 1,
  whole: true,
  powershell: {
    version: '5.1',
    edition: 'Desktop',
    language: 'FullLanguage',
    is64Bit: true,
    culture: 'ja-JP',
  },
  build: 26100,
  operations: [
    answered('readRoles'),
    answered('readVms'),
    answered('readNodes', 2),
    answered('readSharedVolumes'),
  ],
  calls: [
    call('readRoles, owners', 'FailoverClusters\\Get-ClusterGroup', [GROUP]),
    call('readVms', 'Hyper-V\\Get-VMSecurity', [SECURITY]),
    call('readSharedVolumes', 'FailoverClusters\\Get-ClusterSharedVolumeState'),
    {
      ...call('machine', 'Hyper-V\\Get-VM -Id $nobody'),
      errors: [error('InvalidParameter,X', 'InvalidArgument')],
    },
  ],
  types: {
    [SECURITY]: {
      properties: {
        TpmEnabled: ['Boolean'],
        Shielded: ['Boolean', 'null'],
        CimSession: ['object'],
      },
      hidden: 0,
    },
    [GROUP]: {
      properties: {
        Name: ['String, not ASCII'],
        State: ['My.State'],
        StatusInformation: ['UInt64'],
      },
      hidden: 0,
    },
  },
  events: [],
  checks: { beginOfBoot: ['DateTime', 'DateTime'], vcruntime140: true },
  nativePart: 'loads',
  ...o,
});

const typed = (type: string, properties: Record<string, string[]>): Partial<Contact> => ({
  types: { [type]: { properties, hidden: 0 } },
});

describe('a first contact', () => {
  const compare = (o: Partial<Contact>) => compareContact(contact(o), AGAINST);
  const matter = (o: Partial<Contact>) => compare(o).filter((one) => one.matters);

  it('that is as expected differs in nothing', () => {
    expect(compare({})).toEqual([]);
  });

  it.each<[what: string, o: Partial<Contact>, about: string, operations: string[]]>([
    [
      'a property that is read and not there',
      typed(GROUP, { Name: ['String'], State: ['My.State'] }),
      `${GROUP}.StatusInformation`,
      ['readRoles'],
    ],
    [
      'a kind that is another',
      typed(GROUP, { Name: ['String'], State: ['Int32'], StatusInformation: ['UInt64'] }),
      `${GROUP}.State`,
      ['readRoles'],
    ],
    [
      'an operation that fails',
      {
        operations: [
          { ...answered('readVms'), answered: false, error: error('New,Y', 'NotSpecified') },
        ],
      },
      'readVms',
      ['readVms'],
    ],
    [
      'an operation that takes too long',
      { operations: [{ ...answered('readRoles, owners'), ms: [10, 61_000] }] },
      'readRoles, owners',
      ['readRoles'],
    ],
    [
      'rows that are not one for each node and volume',
      { operations: [answered('readNodes', 3), answered('readSharedVolumes')] },
      'FailoverClusters\\Get-ClusterSharedVolumeState',
      ['readSharedVolumes'],
    ],
    [
      'a boot without a beginning',
      { checks: { beginOfBoot: ['null', 'null'] } },
      'Win32_Process.CreationDate of process 4 or wininit.exe',
      ['readBoot', 'readHost'],
    ],
    [
      'a native part that does not load',
      { nativePart: 'ERR_DLOPEN_FAILED' },
      "Temporal's native part",
      [],
    ],
    ['a file that ends in the middle', { whole: false }, 'the file', []],
  ])('tells %s', (_what, o, about, operations) => {
    expect(matter(o)).toMatchObject([{ about, operations }]);
  });

  it('tells another refusal with the operations that use the cmdlet', () => {
    const [refused] = matter({
      calls: [
        {
          ...call('machine', 'Hyper-V\\Get-VM -Id $nobody'),
          errors: [error('ObjectNotFound,X', 'InvalidArgument')],
        },
        call('readVms', 'Hyper-V\\Get-VM'),
      ],
    });
    expect(refused).toMatchObject({
      seen: 'InvalidArgument, ObjectNotFound,X',
      operations: ['readVms'],
    });
  });

  it('does not wait for what readFeatures may take', () => {
    expect(
      matter({ operations: [{ ...answered('readFeatures'), ms: [300_000, 900, 900] }] }),
    ).toEqual([]);
    expect(matter({ operations: [{ ...answered('readFeatures'), ms: [421_000] }] })).toHaveLength(
      1,
    );
  });

  it.each<[what: string, o: Partial<Contact>]>([
    [
      'a property that nothing reads',
      typed(SECURITY, { TpmEnabled: ['Boolean'], Shielded: ['Boolean'] }),
    ],
    [
      'a property that is new',
      typed(SECURITY, {
        TpmEnabled: ['Boolean'],
        Shielded: ['Boolean'],
        CimSession: ['null'],
        New: ['String'],
      }),
    ],
    ['a type that is new', typed('Some.New.Type', { A: ['String'] })],
    [
      'a whole number of another width',
      typed(GROUP, { Name: ['String'], State: ['My.State'], StatusInformation: ['Int32'] }),
    ],
  ])('tells %s as something that nothing stands on', (_what, o) => {
    expect(compare(o)).toHaveLength(1);
    expect(matter(o)).toEqual([]);
  });
});

describe('watari', () => {
  const ends = endsWithAll();

  it('worker contact writes the file, says what failed, and whether the native part loads', async () => {
    const cwd = temporaryFolder('watari-contact-', ends);
    const ctx = fakeContext({ cwd });
    const made = contact({
      operations: [
        { ...answered('readVms'), answered: false, error: error('New,Y', 'NotSpecified') },
      ],
    });
    await contactNode(
      ctx,
      {},
      { make: async () => made, nativePart: async () => 'ERR_DLOPEN_FAILED' },
    );
    const file = path.join(cwd, 'watari-contact.json');
    expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toMatchObject({
      nativePart: 'ERR_DLOPEN_FAILED',
    });
    const said = ctx.terminal.stdout as unknown as { text(): string };
    expect(said.text()).toContain('without an answer: readVms');
    expect(said.text()).toContain('watari contact compare watari-contact.json');
  });

  it('worker contact is for Windows', async () => {
    const ctx = fakeContext({ cwd: '.' });
    ctx.places = { ...ctx.places, platform: 'linux' };
    await expect(contactNode(ctx, {})).rejects.toMatchObject({ code: 'WindowsOnly', exitCode: 2 });
  });

  it('contact compare ends with 1 where something matters, with 2 for a file that is none', async () => {
    const cwd = temporaryFolder('watari-contact-', ends);
    const ctx = fakeContext({ cwd });
    const write = (name: string, text: string) => {
      fs.writeFileSync(path.join(cwd, name), text);
    };
    // A byte order mark is what 5.1 would write, and a person's editor.
    write('good.json', `\uFEFF${JSON.stringify(contact({ types: {}, calls: [] }))}`);
    write(
      'bad.json',
      JSON.stringify(contact({ types: {}, calls: [], nativePart: 'ERR_DLOPEN_FAILED' })),
    );
    write('none.json', '{"format":1}');
    await compareFile(ctx, 'good.json', { json: true });
    const said = ctx.terminal.stdout as unknown as { text(): string };
    expect(JSON.parse(said.text())).toMatchObject({ matter: 0, differences: [] });
    await expect(compareFile(ctx, 'bad.json', {})).rejects.toMatchObject(new Finished(1));
    expect(said.text()).toContain('there:    ERR_DLOPEN_FAILED');
    for (const name of ['none.json', 'absent.json'])
      await expect(compareFile(ctx, name, {})).rejects.toMatchObject({
        code: 'BadInput',
        exitCode: 2,
      });
  });
});
