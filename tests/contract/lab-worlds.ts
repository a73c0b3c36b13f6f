// The contract suite's world, made of the lab: in this process, and behind its HTTP door.
import type { HypervHost } from '../../hyperv/host.ts';
import { manualClock } from '../../lab/machine/clock.ts';
import { inProcessHost, loopbackHost } from '../../lab/host.ts';
import { Lab } from '../../lab/machine/lab.ts';
import type { Effect } from '../../lab/machine/records.ts';
import { PowerShellDoor, type CmdletRequest } from '../../lab/powershell/door.ts';
import type { CmdletReply } from '../../lab/powershell/reply.ts';
import { parseScenario } from '../../lab/scenario/read.ts';
import { startLabServer } from '../../lab/server.ts';
import { CLUSTER, FREE_DISKS, type Changes, type MakeWorld, type World } from './world.ts';
import { sleep } from '../../proof/rig/waiting.ts';

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** JSON is YAML too; without the braces of the object. */
const more = (keys: object = {}): string =>
  Object.entries(keys)
    .map(([key, value]) => `, ${key}: ${JSON.stringify(value)}`)
    .join('');

export const scenarioOf = ({ setup = {}, events = {}, vms = {} }: Changes): string => `
cluster: ${CLUSTER}
nodes:
  - name: HV1
    memory: 64GB
    features: [Hyper-V]
    switches: [LAN, { name: Mixed, type: Internal }]
    liveMigration: { enabled: true }
    setup: ${JSON.stringify(setup.HV1 ?? {})}
    events: ${JSON.stringify(events.HV1 ?? [])}
  - { name: HV2, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true }, setup: ${JSON.stringify(setup.HV2 ?? {})} }
  - { name: HV3, memory: 64GB, switches: [LAN], setup: ${JSON.stringify(setup.HV3 ?? {})} }
virtualMachines:
  - { name: db-1, owner: HV1, memory: 8GB${more(vms['db-1'])} }
  - { name: files-1, owner: HV1, memory: 2GB${more(vms['files-1'])} }
  - { name: lone-1, owner: HV1, memory: 2GB, state: Off, clustered: false${more(vms['lone-1'])} }
  - { name: twin, owner: HV2, memory: 2GB, state: Off, clustered: false, id: 00000000-0000-4000-8000-000000000001 }
  - { name: Twin, owner: HV2, memory: 2GB, state: Off, clustered: false, id: 00000000-0000-4000-8000-000000000002, disks: ['C:\\ClusterStorage\\Volume1\\twin-2.vhdx'] }
groups: [{ name: share-1, owner: HV1 }]
disks: [${FREE_DISKS.map(quoted).join(', ')}]
storage: { direct: true }
updates:
  - { kb: KB5070001, title: 2026-11 Cumulative Update (KB5070001), size: 700MB, revision: 5335 }
  - { kb: KB5070002, nodes: [HV3], restart: never, severity: null, eula: true }
packages: [{ folder: 'C:\\Updates\\2026-11', kbs: [KB5070001] }]
`;

type Send = (body: object) => Promise<unknown>;

interface Access {
  /** Somebody waits for something that takes the cluster's time. */
  isWaiting(): boolean;
  host(node: string): HypervHost;
  send: Send;
  effects(): Promise<Effect[]>;
  close(): Promise<void>;
}

/** Enough real time for requests that are under way to arrive before the clock moves. */
const soon = (): Promise<void> => sleep(2);

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
        if (access.isWaiting()) await pass(1);
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
    async shiftClock(node, seconds) {
      await access.send({ action: 'shift-clock', node, seconds });
    },
    async cutOff(node) {
      const fault = { on: 'networkDown', node, seconds: 3600, when: { seconds: 1 } };
      await access.send({ action: 'add-fault', fault });
      await pass(2);
    },
    count: async (deed, subject) =>
      (await access.effects()).filter((e) => e.kind === deed && e.subject === subject).length,
    async loseAnswer(op) {
      await access.send({ action: 'add-fault', fault: { on: op, at: 'after-effect' } });
    },
    close: () => access.close(),
  };
}

/** Counts the cmdlets that have not been answered: they wait for the clock, as everything else is answered at once. */
class WatchedDoor extends PowerShellDoor {
  waiting = 0;
  onCmdlet: (request: CmdletRequest) => void = () => undefined;

  override async cmdlet(request: CmdletRequest): Promise<CmdletReply | null> {
    this.waiting += 1;
    try {
      const reply = await super.cmdlet(request);
      this.onCmdlet(request);
      return reply;
    } finally {
      this.waiting -= 1;
    }
  }
}

export interface Doors {
  changes?: Changes | undefined;
  hostFor: (lab: Lab, url: string, node: string) => HypervHost;
  /** 0 takes any free one. */
  port?: number;
  /**
   * Cmdlets come from PowerShell, which takes real time between them: meanwhile no time of the cluster may pass, or a
   * machine would be down before its last answer is read.
   */
  cmdlets?: boolean;
  /** Called when a cmdlet has been done and before it is answered; may move the clock. */
  onCmdlet?: (request: CmdletRequest, pass: (seconds: number) => void) => void;
}

/** The control door is the same for all; only the hosts differ. */
export async function labWorld(doors: Doors): Promise<World> {
  const { hostFor, changes = {}, port = 0, cmdlets = false, onCmdlet } = doors;
  const clock = manualClock();
  const lab = new Lab(parseScenario(scenarioOf(changes), 'contract.yaml'), clock);
  const powershell = new WatchedDoor(lab);
  if (onCmdlet !== undefined) {
    powershell.onCmdlet = (request) => {
      onCmdlet(request, (seconds) => {
        clock.advance(seconds * 1000);
        lab.advance();
      });
    };
  }
  const server = await startLabServer(lab, { port, clock, powershell });
  const send: Send = async (body) => {
    const response = await fetch(`${server.url}/control`, {
      method: 'POST',
      // The next world may listen where this one did.
      headers: { connection: 'close' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  };
  return worldOf({
    isWaiting: () => !cmdlets || powershell.waiting > 0,
    host: (node) => hostFor(lab, server.url, node),
    send,
    effects: () => Promise.resolve(lab.effects()),
    close: () => server.close(),
  });
}

export const inProcessWorld: MakeWorld = (changes) =>
  labWorld({ changes, hostFor: (lab, _url, node) => inProcessHost(lab, node) });

export const loopbackWorld: MakeWorld = (changes) =>
  labWorld({ changes, hostFor: (_lab, url, node) => loopbackHost({ url, node }) });
