// The process that downloads and installs updates (update-job.ps1), run by hand on stand-ins of the COM objects: what
// the contract of the port only sees from outside.
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { UpdateFacts, UpdateJobFacts } from '../../domain/update-facts.ts';
import { MODULE_FOLDER } from '../support/engine.ts';
import { needs, POWERSHELL } from '../support/needs.ts';
import { literal, standInsForEach, type StandIns } from '../support/stand-ins.ts';

/** An update that is not looked at. */
const SOME = '00000000-0000-4000-8000-000000000001';
const AT_ONCE = 'downloadSeconds: 0, installSeconds: 0';
const SCENARIO = `
cluster: updates
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V] }
updates:
  - { kb: KB5070001, ${AT_ONCE}, restart: never, fails: { hresult: '0x8024200D' } }
  - { kb: KB5070002, ${AT_ONCE}, restart: always, eula: true }
  - { kb: KB5070003, ${AT_ONCE}, fails: { hresult: '0x80070643', times: always } }
  - { kb: KB5070004, ${AT_ONCE}, downloadFails: { hresult: '0x80240034', times: always } }
  - { kb: KB5070005, ${AT_ONCE}, restart: never }
`;

describe('the process that installs updates', needs(POWERSHELL), () => {
  let at: StandIns;
  standInsForEach(SCENARIO, (made) => (at = made));

  const MODULE = `Import-Module ${literal(path.join(MODULE_FOLDER, 'Watari.HyperV.psd1'))} -DisableNameChecking
   function Write-Job($Kind, $Ids, $Accept) {
     $boot = (Get-WatariBoot).boot
     & (Get-Module Watari.HyperV) { param($Kind, $Ids, $Accept, $Boot) Save-UpdateJob ([ordered]@{
       kind = $Kind; ids = @($Ids); acceptEula = $Accept; boot = $Boot; startedAt = '=2026-11-24T00:00:00.000Z'
       changedAt = ''; results = @(); error = $null; ended = $false }) } $Kind $Ids $Accept $boot
   }
`;
  const FOUND = '$found = (Get-WatariUpdate).updates\n';
  const RUN = '& (Get-Module Watari.HyperV) { Invoke-UpdateJob }\n';

  async function outcome(kind: string, accept: boolean): Promise<Record<string, string[]>> {
    const { out, stderr } = await at.run(
      `${MODULE} ${FOUND} Write-Job '${kind}' @($found.id) $${String(accept)}
       ${RUN} Out-Test $found; Out-Test (Get-WatariUpdateJob)`,
    );
    expect(stderr).toBe('');
    const [found, job] = out as [UpdateFacts[], UpdateJobFacts];
    expect(job).toMatchObject({ kind, state: 'ended', error: null });
    return Object.fromEntries(
      job.results.map(({ id, result, hresult, restartNeeded }) => [
        found.find((one) => one.id === id)?.kbs[0] ?? '',
        [result, hresult, restartNeeded ? 'restart' : ''],
      ]),
    );
  }

  it('installs one after the other, and the failure of one takes no other with it', async () => {
    expect(await outcome('install', true)).toEqual({
      // Downloaded again, and then it went in.
      KB5070001: ['succeeded', '0x00000000', ''],
      KB5070002: ['succeeded', '0x00000000', 'restart'],
      KB5070003: ['failed', '0x80070643', ''],
      KB5070004: ['failed', '0x80240034', ''],
      KB5070005: ['succeeded', '0x00000000', ''],
    });
    const installed = at.lab.effects().filter((e) => e.kind === 'update-installed');
    expect(installed.map((e) => e.subject)).toEqual(['KB5070001', 'KB5070002', 'KB5070005']);
    const quiet = at.door.cmdlets().filter((one) => one.cmdlet === 'IUpdateInstaller.Install');
    expect(quiet.length).toBeGreaterThan(0);
    for (const { bound } of quiet)
      expect(bound).toMatchObject({ ForceQuiet: true, AllowSourcePrompts: false });
  });

  it('installs nothing when it is to download, and accepts no terms that it may not', async () => {
    expect(await outcome('download', false)).toMatchObject({
      KB5070001: ['succeeded', '0x00000000', ''],
      KB5070002: ['not-started', '0x80240023', ''],
      KB5070004: ['failed', '0x80240034', ''],
    });
    expect(at.lab.effects().filter((e) => e.kind === 'update-installed')).toEqual([]);
  });

  it('is lost when its task is gone and it has not written its end, and cut off by another boot', async () => {
    const { out, stderr } = await at.run(
      `${MODULE} Write-Job 'install' @('${SOME}') $false
       Out-Test (Get-WatariUpdateJob).state
       $null = & (Get-Module Watari.HyperV) { $job = Read-UpdateJob; $job.boot = 'another'; Save-UpdateJob $job }
       Out-Test (Get-WatariUpdateJob).state`,
    );
    expect(stderr).toBe('');
    expect(out).toEqual(['lost', 'cut-off']);
  });

  it('is lost when its task does not start, and what ran before is forgotten', async () => {
    const disturbance = {
      cmdlet: 'Start-UpdateTask',
      error: { fqid: 'Failed,Start-UpdateTask', message: 'no task' },
    };
    const start = (kb: number): string => `Save-WatariUpdate -Id $found[${kb}].id | Out-Null\n`;
    const first = await at.run(`${MODULE} ${FOUND} ${start(0)} Out-Test (Get-WatariUpdateJob)`);
    expect(first.stderr).toBe('');
    at.clock.advance(60_000);
    at.lab.advance();
    await at.post({ action: 'disturb', disturbance });
    const { out } = await at.run(
      `${MODULE} ${FOUND} try { ${start(4)} } catch { Out-Test 'refused' }
       Out-Test $found[4].id; Out-Test (Get-WatariUpdateJob)`,
    );
    expect(out[0]).toBe('refused');
    expect(out[2]).toMatchObject({ state: 'lost', ids: [out[1]], results: [] });
  });

  it('writes down what stopped it altogether', async () => {
    const error = {
      fqid: 'System.Runtime.InteropServices.COMException',
      message: 'no agent',
      hresult: 0x8024001e | 0,
    };
    await at.post({
      action: 'disturb',
      disturbance: { cmdlet: 'IUpdateSearcher.Search', error },
    });
    const { out, stderr } = await at.run(
      `${MODULE} Write-Job 'install' @('${SOME}') $false
       ${RUN} Out-Test (Get-WatariUpdateJob)`,
    );
    expect(stderr).toBe('');
    expect(out[0]).toMatchObject({ state: 'ended', results: [], error: { hresult: '0x8024001E' } });
  });
});
