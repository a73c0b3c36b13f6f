// Activities about one VM on the node that holds it: create or find it, register its role, start it, prove that it is
// where and what it should be, and take back what this run made.
import { cancellationSignal } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { RoleFacts, VmFacts, VmNow } from '../domain/facts.ts';
import { hasOwnerMark, ownerMark, sameName } from '../domain/names.ts';
import type { VmSpec } from '../domain/spec.ts';
import { durationText } from '../domain/units.ts';
import { HypervError, type HypervHost } from '../hyperv/host.ts';
import { beating, pause, stopwatch, waits } from './beats.ts';
import type { ClusterActivityDeps } from './cluster.ts';
import { failed, guarded } from './failing.ts';

export interface VmCreated {
  vm: VmFacts;
  changed: boolean;
  cmdlets: string[];
}

export interface VerifyRequest {
  step: string;
  vm: string;
  vmId: string;
  /** Seconds of uptime before the move; a live migration does not reset it. */
  uptimeAtLeastSeconds: number;
  /** The guest answered before the move, so it must again. */
  heartbeat: boolean;
  waitSeconds: number;
}

/** The VM and its role are two looks, and between them a move can end. */
const GONE_LOOKS = 2;

export function createVmActivities(deps: ClusterActivityDeps) {
  const { host } = deps;
  return guarded({
    /** Finds the VM by name on this node, or creates it with the run's mark in its notes. */
    async ensureVm(input: { requestId: string; vm: VmSpec; path: string }): Promise<VmCreated> {
      const { vm, requestId, path } = input;
      const { facts, cmdlets } = await beating(deps, () =>
        host.createVm({
          requestId,
          name: vm.name,
          memoryBytes: vm.memoryBytes,
          vhd: vm.vhd,
          switch: vm.switch,
          generation: vm.generation,
          path,
        }),
      );
      return { vm: facts.vm, changed: facts.changed, cmdlets };
    },

    async ensureRole(input: {
      vmId: string;
      name: string;
    }): Promise<{ role: RoleFacts; changed: boolean; cmdlets: string[] }> {
      const { facts, cmdlets } = await beating(deps, () => host.addRole(input));
      return { role: facts.role, changed: facts.changed, cmdlets };
    },

    /**
     * Brings the role online and waits until the VM runs on this node; ends early when the cluster has it on another.
     */
    async startVm(input: {
      step: string;
      vmId: string;
      name: string;
      waitSeconds: number;
    }): Promise<{ changed: boolean; vm: VmNow; cmdlets: string[] }> {
      return beating(deps, async ({ say }) => {
        const { facts, cmdlets } = await host.startRole({ vmId: input.vmId });
        const stillHere = leaves(host, input.name, input.vmId);
        const vm = await until(
          deps,
          input.waitSeconds,
          async () => {
            const role = await findRole(host, input.vmId);
            const found = await findVm(host, input.vmId);
            await stillHere(found);
            if (role?.state === 'Online' && found?.state === 'Running') return { done: found };
            return {
              missing: `${input.name} to run (VM ${found?.state ?? 'not here'}, role ${role?.state ?? 'missing'})`,
            };
          },
          (waitingFor) => {
            say(waits(input.step, 'starting', waitingFor));
          },
          (missing) =>
            failed(
              'VmNotRunning',
              `${input.name} was started on ${host.node} and does not run after ${durationText(input.waitSeconds * 1000)}; waited for ${missing}`,
            ),
        );
        return { changed: facts.changed, vm, cmdlets };
      });
    },

    /**
     * On the node that the VM moved to: it runs, it never restarted, and its guest answers if it did before. Ends early
     * when the cluster has it on another node.
     */
    async verifyVm(input: VerifyRequest): Promise<VmNow> {
      return beating(deps, async ({ say }) => {
        const stillHere = leaves(host, input.vm, input.vmId);
        const vm = await until(
          deps,
          input.waitSeconds,
          async () => {
            const found = await findVm(host, input.vmId);
            await stillHere(found);
            const answers = !input.heartbeat || found?.heartbeat === 'Ok';
            if (found?.state === 'Running' && answers) return { done: found };
            return {
              missing: `${input.vm} to run and answer on ${host.node} (VM ${found?.state ?? 'not here'}, heartbeat ${found?.heartbeat ?? 'none'})`,
            };
          },
          (waitingFor) => {
            say(waits(input.step, 'verifying', waitingFor));
          },
          (missing) =>
            failed(
              'VmNotRunning',
              `After its move, waited ${durationText(input.waitSeconds * 1000)} in vain for ${missing}`,
            ),
        );
        if (vm.uptimeSeconds < input.uptimeAtLeastSeconds) {
          throw failed(
            'VmRestarted',
            `${input.vm} runs on ${host.node} with an uptime of ${durationText(vm.uptimeSeconds * 1000)}, but had ${durationText(input.uptimeAtLeastSeconds * 1000)} before the move: it restarted`,
          );
        }
        return vm;
      });
    },

    /** Undo of everything that a run made of a VM: only if its notes carry the run's mark, and never a disk. */
    async removeOwnVm(input: {
      requestId: string;
      name: string;
      waitSeconds: number;
    }): Promise<{ changed: boolean; cmdlets: string[]; kept?: string }> {
      return beating(deps, async () => {
        const { facts: vms } = await host.readVms({});
        const named = vms.filter((vm) => sameName(vm.name, input.name));
        const own = named.find((vm) => hasOwnerMark(vm.notes, input.requestId));
        if (own === undefined) {
          const kept = `the notes of ${input.name} do not say ${ownerMark(input.requestId)}`;
          return { changed: false, cmdlets: [], ...(named.length === 0 ? {} : { kept }) };
        }
        const cmdlets: string[] = [];
        if ((await findRole(host, own.id)) !== undefined) {
          cmdlets.push(...(await host.stopRole({ vmId: own.id })).cmdlets);
          await until(
            deps,
            input.waitSeconds,
            async () => {
              const vm = await findVm(host, own.id);
              const still = vm !== undefined && vm.state !== 'Off' && vm.state !== 'Saved';
              return still ? { missing: `${own.name} to be saved (${vm.state})` } : { done: true };
            },
            () => undefined,
            (missing) =>
              failed('NotReady', `Waited ${durationText(input.waitSeconds * 1000)} for ${missing}`),
          );
          cmdlets.push(...(await host.removeRole({ vmId: own.id })).cmdlets);
        }
        cmdlets.push(
          ...(await host.removeVm({ vmId: own.id, requestId: input.requestId })).cmdlets,
        );
        return { changed: true, cmdlets };
      });
    },
  });
}

const findVm = async (host: HypervHost, vmId: string): Promise<VmNow | undefined> =>
  (await host.readVm({ vmId })).facts ?? undefined;

const findRole = async (host: HypervHost, vmId: string): Promise<RoleFacts | undefined> =>
  (await host.readRole({ vmId })).facts ?? undefined;

/**
 * Called at every look with what this node has of the VM: fails once it is sure that the cluster has it on another
 * node. There is no point in waiting for it here then.
 */
function leaves(host: HypervHost, name: string, vmId: string) {
  let looks = 0;
  return async (found: VmNow | undefined): Promise<void> => {
    const owner = found === undefined ? (await findRole(host, vmId))?.owner : undefined;
    looks = owner === undefined || sameName(owner, host.node) ? 0 : looks + 1;
    if (owner === undefined || looks < GONE_LOOKS) return;
    throw failed(
      'VmNotRunning',
      `${name} is not on ${host.node} any more: the cluster has it on ${owner}`,
    );
  };
}

/** Looks until it is done or the time is up. A look whose answer was lost is simply not the last one. */
async function until<T>(
  deps: ClusterActivityDeps,
  waitSeconds: number,
  look: () => Promise<{ done: T } | { missing: string }>,
  tell: (missing: string) => void,
  late: (missing: string) => Error,
): Promise<T> {
  const waitedMs = stopwatch(deps);
  let missing: string;
  for (;;) {
    try {
      const seen = await look();
      if ('done' in seen) return seen.done;
      missing = seen.missing;
    } catch (err) {
      if (!(err instanceof HypervError) || err.info.outcome !== 'unknown') throw err;
      missing = err.message;
    }
    if (waitedMs() > waitSeconds * 1000) throw late(missing);
    tell(missing);
    await pause(deps, deps.lookEveryMs);
    if (cancellationSignal().aborted) throw new CancelledFailure('the wait was cancelled');
  }
}

export type VmActivities = ReturnType<typeof createVmActivities>;
