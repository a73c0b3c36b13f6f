// The contract suite's world, made of the lab: in this process, and behind its HTTP door.
import type { HypervHost } from '../../hyperv/host.ts';
import { manualClock } from '../../lab/clock.ts';
import { inProcessHost, loopbackHost } from '../../lab/host.ts';
import { Lab } from '../../lab/lab.ts';
import type { Effect } from '../../lab/records.ts';
import { parseScenario } from '../../lab/scenario.ts';
import { startLabServer } from '../../lab/server.ts';
import { CLUSTER, FREE_DISKS, type MakeWorld, type World } from './world.ts';

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const SCENARIO = `
cluster: ${CLUSTER}
nodes:
  - name: HV1
    memory: 64GB
    features: [Hyper-V]
    switches: [LAN, { name: Mixed, type: Internal }]
    liveMigration: { enabled: true }
  - { name: HV2, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
  - { name: HV3, memory: 64GB, switches: [LAN] }
virtualMachines:
  - { name: db-1, owner: HV1, memory: 8GB }
  - { name: files-1, owner: HV1, memory: 2GB }
  - { name: lone-1, owner: HV1, memory: 2GB, state: Off, clustered: false }
  - { name: twin, owner: HV2, memory: 2GB, state: Off, clustered: false, id: 00000000-0000-4000-8000-000000000001 }
  - { name: Twin, owner: HV2, memory: 2GB, state: Off, clustered: false, id: 00000000-0000-4000-8000-000000000002, disks: ['C:\\ClusterStorage\\Volume1\\twin-2.vhdx'] }
disks: [${FREE_DISKS.map(quoted).join(', ')}]
`;

type Send = (body: object) => Promise<unknown>;

interface Access {
  host(node: string): HypervHost;
  send: Send;
  effects(): Promise<Effect[]>;
  close(): Promise<void>;
}

/** Enough real time for requests that are under way to arrive before the clock moves. */
const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));

function worldOf(access: Access): World {
  const pass = async (seconds: number): Promise<void> => {
    await access.send({ action: 'advance', seconds });
  };
  return {
    host: (node) => access.host(node),
    pass,
    async until(promise) {
      const state = { settled: false };
      const settled = (): void => {
        state.settled = true;
      };
      promise.then(settled, settled);
      await soon();
      while (!state.settled) {
        await pass(1);
        await soon();
      }
      return promise;
    },
    async powerOff(node) {
      await access.send({ action: 'power-off', node });
    },
    async powerOn(node) {
      await access.send({ action: 'power-on', node });
    },
    count: async (deed, subject) =>
      (await access.effects()).filter((e) => e.kind === deed && e.subject === subject).length,
    async loseAnswer(op) {
      await access.send({ action: 'add-fault', fault: { on: op, at: 'after-effect' } });
    },
    close: () => access.close(),
  };
}

/** The control door is the same for both; only the hosts differ. */
async function labAccess(hostFor: (lab: Lab, url: string, node: string) => HypervHost) {
  const clock = manualClock();
  const lab = new Lab(parseScenario(SCENARIO, 'contract.yaml'), clock);
  const server = await startLabServer(lab, { port: 0, clock });
  const send: Send = async (body) => {
    const response = await fetch(`${server.url}/control`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  };
  return worldOf({
    host: (node) => hostFor(lab, server.url, node),
    send,
    effects: () => Promise.resolve(lab.effects()),
    close: () => server.close(),
  });
}

export const inProcessWorld: MakeWorld = () =>
  labAccess((lab, _url, node) => inProcessHost(lab, node));

export const loopbackWorld: MakeWorld = () =>
  labAccess((_lab, url, node) => loopbackHost({ url, node }));
