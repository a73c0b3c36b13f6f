// What Get-WatariSetup and Get-WatariPeer do beyond the contract of the port: they outlast what Windows does not show,
// and ask no peer more than once. On the lab's stand-ins of the Windows modules.
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PeerFacts, SetupFacts } from '../../domain/facts.ts';
import { MODULE_FOLDER } from '../support/engine.ts';
import { literal, standInsForEach, type StandIns } from '../support/stand-ins.ts';
import { needs, POWERSHELL } from '../support/needs.ts';

const SCENARIO = `
cluster: setup
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V] }
  - { name: HV2, memory: 64GB }
  - { name: HV3, memory: 64GB, setup: { localAccountTokenFilterPolicy: 0 } }
  - { name: HV4, memory: 64GB, setup: { closedPorts: [5985] } }
  - { name: HV5, memory: 64GB }
`;

describe('the readings of a setup in PowerShell', needs(POWERSHELL), () => {
  let at: StandIns;
  standInsForEach(SCENARIO, (made) => (at = made));

  const MODULE = `Import-Module ${literal(path.join(MODULE_FOLDER, 'Watari.HyperV.psd1'))} -DisableNameChecking\n`;

  it('tell the rest of a machine that does not show everything, with a warning for each thing', async () => {
    const hidden = [
      'Get-CimAssociatedInstance',
      'Get-SmbClientConfiguration',
      'Read-SecurityPolicy',
    ] as const;
    for (const cmdlet of hidden) {
      const error = { fqid: `Denied,${cmdlet}`, message: `${cmdlet} may not` };
      await at.post({ action: 'disturb', disturbance: { cmdlet, error } });
    }
    const { out, stderr } = await at.run(
      `${MODULE} $facts = Get-WatariSetup -Port 3343 -WarningVariable warnings 3>$null
       Out-Test $facts; Out-Test @($warnings | ForEach-Object { [string]$_ })`,
    );
    expect(stderr).toBe('');
    const [facts, warnings] = out as [SetupFacts, string[]];
    expect(facts).toMatchObject({
      workgroup: 'WORKGROUP',
      administrators: [],
      account: { name: 'watari', enabled: true, elevated: true },
      policies: { blockNtlm: null, virtualMachineRights: null },
      security: { lockout: null, rights: null },
      trustedHosts: ['HV2', 'HV3', 'HV4', 'HV5'],
      listening: [3343],
    });
    for (const cmdlet of hidden)
      expect(warnings.filter((text) => text.includes(`${cmdlet} may not`))).toHaveLength(1);
  });

  it('sign in to one peer after the other, only where WinRM answers at all, and to none after a refusal', async () => {
    const { out, stderr } = await at.run(
      `${MODULE} Out-Test @(Get-WatariPeer -Name HV2, HV3, HV4, HV5 -Port 445)`,
    );
    expect(stderr).toBe('');
    const peers = out[0] as PeerFacts[];
    expect(peers.map((peer) => peer.signIn?.ok)).toEqual([true, false, false, undefined]);
    expect(peers[1]?.signIn?.message).toMatch(/HV3/);
    // What was not asked for is not told.
    expect(peers.map((peer) => peer.ports)).toEqual(peers.map(() => [{ port: 445, open: true }]));
    const remote = at.door.cmdlets().filter(({ bound }) => bound.ComputerName !== undefined);
    expect(remote.map(({ bound }) => bound)).toEqual(
      ['HV2', 'HV3'].map((peer) => ({
        ClassName: 'Win32_OperatingSystem',
        ComputerName: [peer],
        OperationTimeoutSec: 5,
      })),
    );
  });

  it('tell an error that names no computer of all peers that were asked', async () => {
    const error = { fqid: 'HRESULT 0x8007052e,X', message: 'ログオン失敗' };
    await at.post({ action: 'disturb', disturbance: { cmdlet: 'Get-CimInstance', error } });
    const { out, stderr } = await at.run(
      `${MODULE} Out-Test @(Get-WatariPeer -Name HV2, HV4 -Port 445)`,
    );
    expect(stderr).toBe('');
    const [asked, closed] = (out[0] as PeerFacts[]).map((peer) => peer.signIn);
    expect(asked).toEqual({ ok: false, hresult: '0x8007052E', message: 'ログオン失敗' });
    expect(closed?.hresult).toBe('0x80338126');
  });
});
