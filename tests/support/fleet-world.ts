// Clusters whose nodes are emptied, for the tests of drains and maintenances on a real server; and somebody who stands
// between the activities and the lab and holds calls up, or refuses them, in just the moment that a test is about.
import { inject } from 'vitest';
import { runId } from '../../domain/names.ts';
import type { StepStatus } from '../../domain/status.ts';
import {
  askOf,
  HypervError,
  hostOf,
  type HypervHost,
  type Op,
  type OpArgs,
} from '../../hyperv/host.ts';
import { waitFor, waitUntil } from '../../proof/rig/waiting.ts';
import {
  handleOf,
  labCluster,
  type Handle,
  type LabCluster,
  type LabClusterOptions,
} from './lab-cluster.ts';

/** As Windows is installed, but that it balances only when a test is long over. */
const BALANCER = 'autoBalancer: { mode: 2, intervalSeconds: 864000 }';

const hostLine = (name: string): string =>
  `  - { name: ${name}, memory: 128GB, features: [Hyper-V], switches: [LAN], bootSeconds: 30, ` +
  'migrationNetwork: 10Gbps, liveMigration: { enabled: true } }';

export const vmLine = (name: string, owner: string, more = ''): string =>
  `  - { name: ${name}, owner: ${owner}, memory: 8GB, dirtyRate: 20MB/s${more} }`;

export const scenarioOf = (nodes: readonly string[], vms: readonly string[], more = ''): string =>
  [BALANCER, 'nodes:', ...nodes.map(hostLine), 'virtualMachines:', ...vms, more].join('\n');

export const webs = (count: number, owner: string, name = 'web'): string[] =>
  Array.from({ length: count }, (_, i) => vmLine(`${name}-${i + 1}`, owner));

export interface Fleet extends LabCluster {
  owners(): Record<string, string>;
  stateOf(node: string): string | undefined;
  vmId(name: string): string;
  /** What watari or a person does with the cluster, as the lab would be asked on that node. */
  by<K extends Op>(node: string, op: K, args: OpArgs<K>): void;
  drain(nodes: string[], more?: object): Promise<Handle>;
  campaign(
    workflow: 'resumeNodes' | 'maintainCluster' | 'balanceCluster',
    input: object,
  ): Promise<Handle>;
  /** The run of one node of a maintenance. */
  nodeRun(node: string): Handle;
  moveUnderWay(): Promise<{ vm: string; from: string; to: string }>;
}

export async function fleet(
  scenario: string,
  o: Partial<Omit<LabClusterOptions, 'scenario' | 'temporal'>> = {},
): Promise<Fleet> {
  const c = await labCluster({ temporal: inject('temporal'), scenario, speed: 60, ...o });
  const state = () => c.lab.state();
  return {
    ...c,
    owners: () => Object.fromEntries(state().roles.map((r) => [r.name, r.owner])),
    stateOf: (node) => state().nodes.find((n) => n.name === node)?.state,
    vmId: (name) => {
      const role = state().roles.find((r) => r.name === name);
      if (role === undefined) throw new Error(`no role ${name}`);
      return role.vmId;
    },
    by: (node, op, args) => {
      c.lab.ask(node, op, args);
    },
    drain: (nodes, more = {}) =>
      c.start('drainNodes', runId.campaign(c.cluster), { nodes, ...more }),
    campaign: (workflow, input) => c.start(workflow, runId.campaign(c.cluster), input),
    nodeRun: (node) => handleOf(c.client.workflow.getHandle(runId.maintain(c.cluster, node))),
    moveUnderWay: () =>
      waitFor('a move under way', () => state().moves.find((m) => m.phase !== 'queued'), {
        everyMs: 5,
      }),
  };
}

/** Once it waits for a person; its run may not be there yet. */
export const asks = (run: Handle, step: string): Promise<StepStatus> =>
  waitUntil(
    `${step} to ask`,
    () => run.step(step),
    (s) => s.state === 'needs-operator',
  );

type Which = (op: Op, args: Record<string, unknown>, node: string) => boolean;

/** Holds calls up before they reach the lab, or refuses them, as long as a test says so. */
export class Gatekeeper {
  private which: Which | undefined;
  private deed: 'hold' | 'refuse' = 'hold';
  private held: (() => void)[] = [];
  /** Calls that were stopped since the latest `stop`. */
  reached = 0;

  readonly disturb = (host: HypervHost): HypervHost =>
    hostOf(host.node, async (op, args) => {
      if (this.which?.(op, args as Record<string, unknown>, host.node) === true) {
        this.reached += 1;
        if (this.deed === 'refuse') {
          throw new HypervError(`${op} is refused by a test.`, {
            op,
            node: host.node,
            outcome: 'refused',
            hresult: '0x80070005',
          });
        }
        await new Promise<void>((resolve) => this.held.push(resolve));
      }
      return askOf(host)(op, args);
    });

  stop(deed: 'hold' | 'refuse', which: Which): void {
    this.deed = deed;
    this.which = which;
    this.reached = 0;
  }

  /** Lets through what waits and all that comes. */
  open(): void {
    this.which = undefined;
    for (const go of this.held.splice(0)) go();
  }

  async isReached(): Promise<void> {
    await waitFor('the call to be stopped', () => this.reached > 0);
  }
}
