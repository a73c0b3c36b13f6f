// The PowerShell that a reader of the documents would type: cmdlets and parameters exist, and go together.
import { describe, expect, it } from 'vitest';
import { cmdletOf } from '../support/parameter-sets.ts';
import { callsIn, powerShellBlocks, type ScriptCall } from '../support/script-calls.ts';
import { projectFiles, readProjectFile } from '../support/tree.ts';

/** Of PowerShell itself, in no list here: what the documents use of them, which 5.1 has. */
const BY_HEART: Readonly<Record<string, readonly string[]>> = {
  'Add-Content': ['Value'],
  'Compress-Archive': [],
  'Expand-Archive': ['DestinationPath'],
  'ForEach-Object': [],
  'Format-List': [],
  'Format-Table': [],
  'Get-Command': ['Module'],
  'Get-Content': ['Encoding', 'Tail', 'Wait'],
  'Get-Date': [],
  'Get-FileHash': [],
  'Get-Help': ['Full'],
  'Import-Module': [],
  'Measure-Command': [],
  'Out-Null': [],
  'Read-Host': ['AsSecureString'],
  'Select-Object': ['Last'],
  'Select-String': [],
  'Set-Alias': [],
  'Set-Content': ['Encoding', 'Value'],
  'Set-Location': [],
  'Start-Process': ['ArgumentList', 'Wait'],
  'Start-Sleep': ['Milliseconds'],
  'Unblock-File': [],
  'Where-Object': ['EQ', 'NE'],
};

/** A drive adds it: about_WSMan_Provider. */
const OF_DRIVES: Readonly<Record<string, readonly string[]>> = { 'Set-Item': ['Concatenate'] };
const COMMON = ['ErrorAction', 'WhatIf', 'Confirm'];

const files = projectFiles();

/** Functions of our own modules, with their parameters. */
const OWN = new Map(
  files
    .filter((file) => /^hyperv\/.+\.psm?1$/.test(file))
    .flatMap((file) =>
      readProjectFile(file)
        .split(/^function /m)
        .slice(1)
        .map((text): [string, string[]] => [
          /^[\w-]+/.exec(text)?.[0] ?? '',
          [...(text.split(/^}/m)[0] ?? '').matchAll(/\][ ]?\$(\w+)/g)].map(([, name = '']) => name),
        ]),
    ),
);

/** Parameter sets; null: nothing is known of it. */
function setsOf(name: string): readonly (readonly string[])[] | null {
  const ours = OWN.get(name) ?? BY_HEART[name];
  if (ours !== undefined) return [ours];
  const sets = cmdletOf(name)?.sets.values();
  return sets === undefined ? null : [...sets].map((set) => set.map((one) => one.name));
}

/** null when it can be typed like this. */
function mistakeIn({ name, parameters }: ScriptCall): string | null {
  const sets = setsOf(name);
  if (sets === null) return `${name} is no cmdlet that we know`;
  const more = [...COMMON, ...(OF_DRIVES[name] ?? [])];
  const fits = (set: readonly string[], parameter: string): boolean =>
    [...set, ...more].some((known) => known.toLowerCase() === parameter.toLowerCase());
  const unknown = parameters.find((one) => !sets.some((set) => fits(set, one)));
  if (unknown !== undefined) return `${name} has no -${unknown}`;
  const together = sets.some((set) => parameters.every((one) => fits(set, one)));
  return together ? null : `${name} takes -${parameters.join(' -')} not together`;
}

/** Spans of text that could be typed: a cmdlet with a parameter behind it. */
const spansOf = (file: string): string[] =>
  [
    ...readProjectFile(file)
      .replace(/```[^]*?```/g, '')
      .matchAll(/`([A-Z]\w*-[A-Z]\w* (?:[^`\n]* )?-[A-Z][^`\n]*)`/g),
  ].map(([, text = '']) => text.replaceAll('\\|', '|'));

describe('PowerShell in the documents', () => {
  const documents = files.filter((file) => /^(docs\/[\w-]+|README(\.ja)?)\.md$/.test(file));
  const calls = documents.flatMap((file) =>
    [...powerShellBlocks(readProjectFile(file)), ...spansOf(file)].flatMap((text) =>
      callsIn(text).map((call) => ({ file, call })),
    ),
  );

  it('names cmdlets and parameters that exist, and go together', () => {
    const wrong = calls.flatMap(({ file, call }) => {
      const mistake = mistakeIn(call);
      return mistake === null ? [] : [`${file}: ${mistake}`];
    });
    expect(wrong).toEqual([]);
    // Or nothing was looked at.
    expect(calls.length).toBeGreaterThan(120);
  });

  it('leans on no exception that nothing needs', () => {
    const used = (name: string, parameter?: string): boolean =>
      calls.some(
        ({ call }) =>
          call.name === name &&
          (parameter === undefined ||
            call.parameters.some((one) => one.toLowerCase() === parameter.toLowerCase())),
      );
    const idle = Object.entries({ ...BY_HEART, ...OF_DRIVES }).flatMap(([name, parameters]) => [
      ...(used(name) ? [] : [name]),
      ...parameters.filter((one) => !used(name, one)).map((one) => `${name} -${one}`),
    ]);
    expect(idle).toEqual([]);
    const twice = Object.keys(BY_HEART).filter((name) => cmdletOf(name) !== null);
    expect(twice).toEqual([]);
  });

  it('would be found wrong', () => {
    const wrong = (script: string) => callsIn(script).flatMap((call) => mistakeIn(call) ?? []);
    expect(wrong("Get-VM -Nmae 'x -y' # -z")).toEqual(['Get-VM has no -Nmae']);
    expect(wrong('Get-Moon')).toEqual(['Get-Moon is no cmdlet that we know']);
    expect(
      wrong('$a = (Get-VM | Where-Object { $_.Name -like "b" }).Id -join (Get-VM -Id 1 -Name c)'),
    ).toEqual(['Get-VM takes -Id -Name not together']);
    expect(wrong('Get-VM `\n  -Name a,\n  -b\nGet-VM -c')).toEqual([
      'Get-VM has no -b',
      'Get-VM has no -c',
    ]);
  });
});
