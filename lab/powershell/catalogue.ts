// The cmdlets of Windows, as Microsoft documents them and installed modules have them: reads cmdlets.json, which says
// where each comes from.
import fs from 'node:fs';
import path from 'node:path';

export interface DocumentedParameter {
  name: string;
  /** As the pages write it: `String[]`, `SwitchParameter`, `VirtualMachine[]`. */
  type: string;
  required: boolean;
  position: number | null;
}

export interface ParameterSet {
  name: string;
  default: boolean;
  parameters: DocumentedParameter[];
}

export interface DocumentedCmdlet {
  module: string;
  source: string;
  outputs: string[];
  parameterSets: ParameterSet[];
  parameters: Record<string, { type: string; aliases?: string[]; acceptedValues?: string[] }>;
  /** How a parameter takes pipeline input. */
  pipeline: Record<string, ('ByValue' | 'ByPropertyName')[]>;
}

/** A file beside this one, in dist/ too. */
export const beside = (name: string): string => path.join(import.meta.dirname, name);

/** watari's own module, which the lab stands in for too. */
export const OWN_MODULE = 'Watari.Probe';

const ownCmdlet = (parameters: Record<string, string>): DocumentedCmdlet => ({
  module: OWN_MODULE,
  source: `hyperv/powershell/${OWN_MODULE}.psm1`,
  outputs: [],
  parameterSets: [
    {
      name: '__AllParameterSets',
      default: true,
      parameters: Object.entries(parameters).map(([name, type]) => ({
        name,
        type,
        required: true,
        position: null,
      })),
    },
  ],
  parameters: Object.fromEntries(
    Object.entries(parameters).map(([name, type]) => [name, { type }]),
  ),
  pipeline: {},
});

const OWN_CMDLETS: Readonly<Record<string, DocumentedCmdlet>> = {
  'Test-Reach': ownCmdlet({ Name: 'String[]', Port: 'Int32[]', TimeoutMs: 'Int32' }),
  'Read-SecurityPolicy': ownCmdlet({ Name: 'String[]' }),
  'Restart-Machine': ownCmdlet({ Reason: 'String' }),
  'Get-UpdateAgent': ownCmdlet({ ProgId: 'String' }),
  'New-UpdateList': ownCmdlet({}),
  'Read-Note': ownCmdlet({ Name: 'String' }),
  'Write-Note': ownCmdlet({ Name: 'String', Text: 'String' }),
  'Start-UpdateTask': ownCmdlet({}),
  'Test-UpdateTask': ownCmdlet({}),
  'Install-UpdatePackage': ownCmdlet({ Folder: 'String' }),
};

let known: Record<string, DocumentedCmdlet> | null = null;

/** By name. Read once: the file is some hundred kilobytes. */
export function documentedCmdlets(): Record<string, DocumentedCmdlet> {
  known ??= {
    ...(
      JSON.parse(fs.readFileSync(beside('cmdlets.json'), 'utf8')) as {
        cmdlets: Record<string, DocumentedCmdlet>;
      }
    ).cmdlets,
    ...OWN_CMDLETS,
  };
  return known;
}

/** Given by SupportsShouldProcess, never declared. */
export const isShouldProcess = (parameter: string): boolean =>
  parameter === 'WhatIf' || parameter === 'Confirm';
