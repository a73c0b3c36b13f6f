// The stand-ins of Windows held against what is known of it (tests/evidence/): a stand-in that is kinder than Windows
// hides defects of the product. What is not known stands in lab/powershell/assumptions.ts.
import { beforeAll, describe, expect, it } from 'vitest';
import { ASSUMPTIONS } from '../../lab/powershell/assumptions.ts';
import { documentedCmdlets, isShouldProcess } from '../../lab/powershell/catalogue.ts';
import { CMDLETS } from '../../lab/powershell/door.ts';
import { seenOfStandIns, type Seen } from '../../lab/powershell/shown.ts';
import { ENUMS, FLAGS } from '../../lab/powershell/windows-types.ts';
import { CIM, CMDLETS_BOUND, propertiesOf, TYPES } from '../support/evidence.ts';
import { cmdletOf, type Cmdlet, type SetParameter } from '../support/parameter-sets.ts';

const ASSUMED = new Set(ASSUMPTIONS.map((one) => one.about));

/** Differences that are right. */
const ALLOWED: Readonly<Record<string, string>> = {
  'MSFT_SmbClientConfiguration.BlockNTLM':
    'a parameter of Windows Server 2025; the machines of the evidence are older',
};

/** Parameters that Windows Server 2025 is documented with; the module of the evidence is of 2020. */
const NEWER: Readonly<Record<string, readonly string[]>> = {
  'Get-VMAssignableDevice': ['InstancePath', 'LocationPath'],
  'New-VM': ['SourceGuestStatePath', 'GuestStateIsolationType'],
};

/** Types of watari itself, and of every .NET. */
const OWN = /^(Watari\.|System\.|Microsoft\.Management\.Infrastructure\.CimMethodResult$)/;
const READING = Object.keys(CMDLETS).filter(
  (name) => name.startsWith('Get-') && !/CimInstance|CimAssociated/.test(name),
);

describe('a stand-in', () => {
  let seen: Seen;
  beforeAll(async () => {
    ({ seen } = await seenOfStandIns(READING));
  });

  const contradictions = (of: Seen): string[] => {
    const wrong: string[] = [];
    for (const [type, properties] of of) {
      if (OWN.test(type) || ASSUMED.has(type)) continue;
      const known = propertiesOf(type);
      if (known === null) {
        wrong.push(`${type}: nothing is known of it, and no assumption says so`);
        continue;
      }
      for (const [name, is] of properties) {
        const real = known.get(name.toLowerCase());
        const at = `${type.split('/').at(-1) ?? ''}.${name}`;
        if (at in ALLOWED) continue;
        if (real === undefined) wrong.push(`${type} has no ${name}`);
        else if (!agree(is, real)) wrong.push(`${type}.${name} is ${real}, not ${is}`);
      }
    }
    return wrong;
  };

  const agree = (is: string, real: string): boolean => {
    const plain = /^Nullable<(.*)>$/.exec(real)?.[1] ?? real;
    // ClusterObject: any of its children.
    const any = ['', 'System.Object', 'Microsoft.FailoverClusters.PowerShell.ClusterObject'];
    return is === '' || any.includes(plain) || plain === is;
  };

  it('has no property, and none of another type, than the object of Windows', () => {
    expect(seen.size).toBeGreaterThan(30);
    expect(contradictions(seen)).toEqual([]);
  });

  it('would be found kinder: the id of a VM on its security', () => {
    const kind = new Map([
      ['Microsoft.HyperV.PowerShell.VMSecurity', new Map([['VMId', 'System.Guid']])],
    ]);
    expect(contradictions(kind)).toEqual(['Microsoft.HyperV.PowerShell.VMSecurity has no VMId']);
    const other = new Map([
      ['Microsoft.FailoverClusters.PowerShell.Cluster', new Map([['Id', 'System.Guid']])],
    ]);
    expect(contradictions(other)[0]).toContain('is System.String, not System.Guid');
    expect(contradictions(new Map([['New.Type', new Map<string, string>()]]))).toHaveLength(1);
  });

  it.each(Object.entries(ENUMS))('%s has the names and numbers of Windows', (type, values) => {
    const known = TYPES.get(type);
    if (known?.values === undefined) {
      expect(ASSUMED).toContain(type);
      return;
    }
    expect(known.values).toMatchObject(values);
    expect(type in FLAGS).toBe(known.flags === true);
  });

  it.each([...CMDLETS_BOUND.keys()])(
    '%s has the parameter sets of the installed module',
    (name) => {
      expect(differences(name, cmdletOf(name))).toEqual([]);
    },
  );

  it('honours no parameter that its cmdlet lacks', () => {
    const lacking = Object.entries(CMDLETS).flatMap(([name, { takes }]) => {
      const known = [...(cmdletOf(name)?.sets.values() ?? [])].flat().map((one) => one.name);
      return known.length === 0 ? [] : takes.filter((one) => !known.includes(one));
    });
    expect(lacking).toEqual([]);
  });

  it('would be found kinder: a parameter that is not mandatory, or is nobody’s', () => {
    const real = cmdletOf('Set-VM');
    const sets = [...(real?.sets ?? [])].map(([set, parameters]): [string, SetParameter[]] => [
      set,
      [
        ...parameters.map((one) => ({ ...one, required: false })),
        { name: 'Mood', required: false, position: null, pipeline: [] },
      ],
    ]);
    const kinder = real === null ? null : { ...real, sets: new Map(sets) };
    expect(differences('Set-VM', kinder)).toEqual([
      'Set-VM, Name: Name! 0 ByValue, not Name 0 ByValue',
      'Set-VM, Name: no Mood',
      'Set-VM, VMObject: VM! 0 ByValue, not VM 0 ByValue',
      'Set-VM, VMObject: no Mood',
    ]);
  });

  it('of a cmdlet of Hyper-V or of the cluster is known to evidence', () => {
    const modules = ['Hyper-V', 'FailoverClusters'];
    const ours = Object.keys(CMDLETS).filter((name) =>
      modules.includes(documentedCmdlets()[name]?.module ?? ''),
    );
    expect(ours.filter((name) => !CMDLETS_BOUND.has(name))).toEqual([]);
  });
});

/** Sets and parameters of the stand-in that are not those of the installed module. */
function differences(name: string, cmdlet: Cmdlet | null): string[] {
  const real = CMDLETS_BOUND.get(name);
  if (real === undefined || cmdlet === null) return [`${name} is not known`];
  // Where there is one set only, nobody names it.
  const one = Object.keys(real.sets).length === 1 && cmdlet.sets.size === 1;
  const ours = new Map([...cmdlet.sets].map(([set, of]) => [one ? '' : set, of]));
  const theirs = new Map(Object.entries(real.sets).map(([set, of]) => [one ? '' : set, of]));
  const wrong = one || real.defaultSet === cmdlet.defaultSet ? [] : [`${name}: default set`];
  for (const set of new Set([...ours.keys(), ...theirs.keys()])) {
    const told = new Map(
      (ours.get(set) ?? [])
        .filter((parameter) => !isShouldProcess(parameter.name))
        .map((parameter) => [parameter.name, writtenAs(parameter)]),
    );
    const known = new Map((theirs.get(set) ?? []).map((text) => [/^\w+/.exec(text)?.[0], text]));
    const at = `${name}${set === '' ? '' : `, ${set}`}`;
    for (const [parameter, text] of known) {
      const is = told.get(parameter ?? '') ?? 'absent';
      if (is !== text) wrong.push(`${at}: ${text}, not ${is}`);
    }
    const newer = NEWER[name] ?? [];
    const more = [...told.keys()].filter((one) => !known.has(one) && !newer.includes(one));
    wrong.push(...more.map((one) => `${at}: no ${one}`));
  }
  return wrong;
}

/** As the evidence is written. */
const writtenAs = ({ name, required, position, pipeline }: SetParameter): string =>
  [`${name}${required ? '!' : ''}`, ...(position === null ? [] : [position]), ...pipeline].join(
    ' ',
  );

describe('an assumption', () => {
  it.each(ASSUMPTIONS)(
    'on $about is about something that evidence leaves open',
    ({ about, says, ifWrong }) => {
      expect(TYPES.get(about)).toBeUndefined();
      expect([says, ifWrong].every((text) => text.length > 10)).toBe(true);
      // Of a CIM class it says how it behaves; its name must be right.
      const [cimClass = '', property] = about.startsWith('Msvm_') ? about.split('.') : [];
      if (cimClass === '') return;
      const known = CIM.get(`root/virtualization/v2/${cimClass}`);
      expect(known).toBeDefined();
      if (property !== undefined) expect(known?.properties).toContain(property);
    },
  );
});
