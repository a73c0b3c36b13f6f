// What the PowerShell module promises beyond the port: the order of its reads, the record of its cmdlets, what it makes
// of errors and events. On the lab's stand-ins of the Windows modules.
import { spawnSync } from 'node:child_process';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { powerShellEnvironment } from '../../config/powershell-environment.ts';
import { engine, MODULE_FOLDER } from '../support/engine.ts';
import { errorOf, request, roleNamed, vmNamed } from './expecting.ts';
import type { Doors } from './lab-worlds.ts';
import { powershellWorlds, type PowerShellWorlds } from './powershell-worlds.ts';
import type { World } from './world.ts';
import { needs, POWERSHELL } from '../support/needs.ts';

describe('the PowerShell module', needs(POWERSHELL), () => {
  let worlds: PowerShellWorlds | null = null;
  let world: World | null = null;
  const fresh = async (onCmdlet?: Doors['onCmdlet']): Promise<World> =>
    (world = await (worlds ??= powershellWorlds()).makeBare(onCmdlet));
  afterEach(async () => {
    await world?.close();
    world = null;
  });
  afterAll(async () => worlds?.close());

  /** Lets a move of db-1 end after the n-th cmdlet of a reading. */
  async function readWhileMoveEnds(after: number) {
    const watch = { count: -1, names: [] as string[] };
    const here = await fresh((asked, pass) => {
      if (watch.count < 0) return;
      watch.count += 1;
      watch.names.push(asked.cmdlet ?? '');
      if (watch.count === after) pass(600);
    });
    const { id: vmId } = await vmNamed(here, 'HV1', 'db-1');
    await here.host('HV1').startMove({ vmId, node: 'HV2' });
    watch.count = 0;
    const role = await roleNamed(here, 'db-1');
    return { role, names: watch.names };
  }

  it('never sees a finished move on the old node, whenever during the reading it finishes', async () => {
    const { names } = await readWhileMoveEnds(0);
    await world?.close();
    expect(names.at(-1)).toBe('Get-CimInstance');
    expect(names.length).toBeGreaterThan(4);
    const seen: string[] = [];
    for (let after = 1; after <= names.length; after += 1) {
      const { role } = await readWhileMoveEnds(after);
      await world?.close();
      seen.push(`${role.move.phase} ${role.owner}`);
    }
    expect(seen).not.toContain('none HV1');
    // Both ends were met, or the test has looked away.
    expect(seen.some((one) => one.endsWith('HV2'))).toBe(true);
    expect(seen.some((one) => one.endsWith('HV1'))).toBe(true);
  });

  it('records every cmdlet with the values that it was given', async () => {
    const here = await fresh();
    const name = `it's [web] $(x) 仮想`;
    const { cmdlets } = await here.host('HV1').createVm(request({ name }));
    // What changed something comes first.
    expect(cmdlets[0]).toBe(
      `New-VM -Generation 2 -MemoryStartupBytes 4294967296 -Name 'it''s [web] $(x) 仮想' ` +
        `-Path 'C:\\ClusterStorage\\Volume1' -SwitchName 'LAN' ` +
        `-VHDPath 'C:\\ClusterStorage\\Volume1\\new-1.vhdx' -Confirm:$false`,
    );
    expect(
      cmdlets.some((line) =>
        /^Set-VM -VM \(Get-VM -Id '[0-9a-f-]{36}'\) -Notes 'watari:req-1'/.test(line),
      ),
    ).toBe(true);
  });

  it('records calls in a loop as one line that counts them', async () => {
    const here = await fresh();
    const { id: vmId } = await vmNamed(here, 'HV1', 'db-1');
    const { cmdlets } = await here.host('HV1').readRole({ vmId, owners: true });
    const owners = cmdlets.filter((line) => line.includes('Get-ClusterOwnerNode'));
    expect(owners).toEqual([
      `(Get-ClusterResource -Name 'Virtual Machine db-1') | Get-ClusterOwnerNode  # and 2 more like this`,
    ]);
  });

  it('records what it sets on an object', async () => {
    const here = await fresh();
    const { cmdlets } = await here.host('HV1').configureCluster({ maximumParallelMigrations: 4 });
    expect(cmdlets[0]).toBe('(Get-Cluster).MaximumParallelMigrations = 4');
  });

  it('tells the code that the cluster gave, and the chain that it came in', async () => {
    const here = await fresh();
    const { id: vmId } = await vmNamed(here, 'HV1', 'db-1');
    const info = await errorOf(here.host('HV1').startMove({ vmId, node: 'HV3' }));
    expect(info.hresult).toBe('0x80071398');
    expect(info.hresults?.length).toBeGreaterThan(0);
    expect(info.errorId).toMatch(/^Move-ClusterVirtualMachineRole,/);
  });

  it('reads a code out of an event however it is written, and never out of a name', () => {
    const id = '5C8A0E4E-0000-4000-8000-000000000001';
    const admin = 'Microsoft-Windows-Hyper-V-VMMS-Admin';
    const cluster = 'Microsoft-Windows-FailoverClustering/Operational';
    const events: [log: string, message: string, values: string[], hresult: string | null][] = [
      [admin, '', ['80070534'], '0x80070534'],
      [admin, '', ['%%2147943732'], '0x80070534'],
      [admin, '', ['-2147023564'], '0x80070534'],
      [admin, 'アカウント名は 80070534 です', [], '0x80070534'],
      [admin, '', ['失敗 (0x80004005): メモリ不足 (0x8007000e)'], '0x8007000E'],
      [cluster, '', ['no network (0x000013AB)'], '0x000013AB'],
      [admin, '', ['80070005', id, 'it stands'], null],
      [cluster, '', ['80000000', '0x00000001', '12345678'], null],
    ];
    const list = events.map(([log, message, values]) => ({
      LogName: log,
      Message: message,
      Properties: values.map((Value) => ({ Value })),
    }));
    const script = `
      Set-StrictMode -Version 2.0; $ErrorActionPreference = 'Stop'
      . (Join-Path $env:MODULE foundation.ps1); . (Join-Path $env:MODULE node.ps1)
      ConvertTo-Json -Compress @(ConvertFrom-Json $env:EVENTS | ForEach-Object { $_ } | ForEach-Object {
        $data = Read-EventData $_; @{ hresult = $data.hresult; vm = $data.vm; ids = @($data.ids) } })`;
    const done = spawnSync(
      engine(),
      ['-NoLogo', '-NoProfile', '-NonInteractive', '-Command', script],
      {
        encoding: 'utf8',
        windowsHide: true,
        env: powerShellEnvironment({ MODULE: MODULE_FOLDER, EVENTS: JSON.stringify(list) }),
      },
    );
    expect(done.stderr).toBe('');
    const read = JSON.parse(done.stdout) as {
      hresult: string | null;
      vm: string | null;
      ids: string[];
    }[];
    expect(read.map((one) => one.hresult)).toEqual(events.map(([, , , hresult]) => hresult));
    expect(read[6]).toMatchObject({ vm: '80070005', ids: [id.toLowerCase()] });
  });

  it('gets no answer from a machine without power, and an answer once it is back', async () => {
    const here = await fresh();
    await here.host('HV2').readHost({});
    await here.powerOff('HV2');
    expect((await errorOf(here.host('HV2').readHost({}))).outcome).toBe('unknown');
    await here.powerOn('HV2');
    await here.pass(600);
    expect((await here.host('HV2').readHost({})).facts.node).toBe('HV2');
  });

  it('keeps out of the way of roles and groups that are no virtual machines', async () => {
    const { facts } = await (await fresh()).host('HV1').readRoles({});
    expect(facts.map((role) => role.name)).not.toContain('Cluster Group');
  });
});
