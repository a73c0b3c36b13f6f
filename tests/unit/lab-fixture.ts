// A lab on a clock that the test owns, and short words for what lab tests ask of it.
import type { BlackoutFacts, EventFacts } from '../../domain/event-facts.ts';
import type { MoveFacts, RoleFacts, VmFacts } from '../../domain/facts.ts';
import { HypervError, type HypervErrorInfo, type Op, type OpArgs } from '../../hyperv/host.ts';
import { manualClock, type ManualClock } from '../../lab/machine/clock.ts';
import { Lab } from '../../lab/machine/lab.ts';
import type { EffectKind } from '../../lab/machine/records.ts';
import { parseScenario } from '../../lab/scenario/read.ts';

/** One line of YAML for a prepared node. */
export const host = (name: string, more = ''): string =>
  `  - { name: ${name}, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 60, ` +
  `liveMigration: { enabled: true, performance: TCPIP }${more === '' ? '' : `, ${more}`} }`;

export const vm = (name: string, owner: string, more = ''): string =>
  `  - { name: ${name}, owner: ${owner}, memory: 4GB, dirtyRate: 0MB/s${more === '' ? '' : `, ${more}`} }`;

/** Three prepared nodes and two VMs on the first. */
export const THREE = `
nodes:
${host('HV1')}
${host('HV2')}
${host('HV3')}
virtualMachines:
${vm('a', 'HV1')}
${vm('b', 'HV1')}
`;

export interface TestLab {
  lab: Lab;
  clock: ManualClock;
  /** Seconds of simulated time. */
  pass(seconds: number): void;
  role(name: string): RoleFacts;
  move(name: string): MoveFacts;
  vm(name: string): VmFacts & { owner: string };
  start(name: string, to: string): void;
  /** `move-started a HV1 -> HV2`. */
  story(...kinds: EffectKind[]): string[];
  count(kind: EffectKind, subject?: string): number;
  /** Simulated seconds since the start at which this happened first. */
  when(kind: EffectKind, subject: string): number;
  events(node: string, id: number): EventFacts[];
  blackouts(node: string, since?: string): BlackoutFacts[];
  error<K extends Op>(node: string, op: K, args: OpArgs<K>): HypervErrorInfo;
}

export function labOf(yaml: string): TestLab {
  const clock = manualClock();
  const lab = new Lab(parseScenario(`cluster: test\n${yaml}`, 'test.yaml'), clock);
  const begin = clock.now();
  const found = <T>(item: T | undefined, name: string): T => {
    if (item === undefined) throw new Error(`no ${name}`);
    return item;
  };
  const role = (name: string): RoleFacts =>
    found(
      lab.state().roles.find((r) => r.name === name),
      name,
    );
  const of = (kind: EffectKind, subject?: string) =>
    lab
      .effects()
      .filter((e) => e.kind === kind && (subject === undefined || e.subject === subject));
  return {
    lab,
    clock,
    pass: (seconds) => {
      clock.advance(seconds * 1000);
      lab.advance();
    },
    role,
    move: (name) => role(name).move,
    vm: (name) =>
      found(
        lab.state().vms.find((v) => v.name === name),
        name,
      ),
    start: (name, node) => {
      const { vmId, owner } = role(name);
      lab.call(owner, 'startMove', { vmId, node });
    },
    story: (...kinds) =>
      lab
        .effects()
        .filter((e) => kinds.includes(e.kind))
        .map((e) => `${e.kind} ${e.subject} ${e.detail}`.trim()),
    count: (kind, subject) => of(kind, subject).length,
    when: (kind, subject) =>
      (Date.parse(found(of(kind, subject)[0], `${kind} ${subject}`).at) - begin) / 1000,
    events: (node, id) =>
      lab
        .call(node, 'readEvents', { since: '2020-01-01T00:00:00.000Z', max: 1000 })
        .facts.filter((e) => e.id === id),
    blackouts: (node, since = '2020-01-01T00:00:00.000Z') =>
      lab.call(node, 'readBlackouts', { since, max: 1000 }).facts,
    error: (node, op, args) => {
      try {
        lab.call(node, op, args);
      } catch (error) {
        if (error instanceof HypervError) return error.info;
        throw error;
      }
      throw new Error(`${op} did not fail`);
    },
  };
}
