// `cluster doctor`: every precondition of a live migration and of a safe restart that can be read, as one table of
// checks, and what they find. Pure: the same view gives the same report, in the workflow and in the client.
import type { IsoTime } from '../facts.ts';
import { listed } from '../units.ts';
import type { Check, Finding, Level, Seen } from './check.ts';
import { ACCOUNT_CHECKS } from './checks/account.ts';
import { CLUSTER_CHECKS } from './checks/cluster.ts';
import { HYPERV_CHECKS } from './checks/hyperv.ts';
import { NETWORK_CHECKS } from './checks/network.ts';
import { ROLE_CHECKS } from './checks/roles.ts';
import { SIGN_IN_CHECKS } from './checks/sign-in.ts';
import { VM_CHECKS } from './checks/vms.ts';
import { WINDOWS_CHECKS } from './checks/windows.ts';
import { WORKER_CHECKS } from './checks/workers.ts';
import { clusterView, type DoctorView, type Part, type WorkerFacts } from './view.ts';

export const CHECKS: readonly Check[] = [
  ...WORKER_CHECKS,
  ...WINDOWS_CHECKS,
  ...ACCOUNT_CHECKS,
  ...SIGN_IN_CHECKS,
  ...NETWORK_CHECKS,
  ...CLUSTER_CHECKS,
  ...HYPERV_CHECKS,
  ...VM_CHECKS,
  ...ROLE_CHECKS,
];

/** What `--json` prints and what the workflow `doctor` answers: one shape, documented in docs/doctor.md. */
export interface DoctorReport {
  cluster: string;
  /** Workflow id; null when nobody could be asked, so that none was started. */
  run: string | null;
  startedBy: string;
  takenAt: IsoTime;
  blockers: number;
  warnings: number;
  /** Checks that found nothing wrong. */
  ok: number;
  nodes: DoctorNode[];
  /** Blockers first, then warnings, then what is well; within these in the order of the checks. */
  findings: Finding[];
  /** Checks that nothing could be looked at for. */
  unchecked: { check: string; why: string }[];
}

export interface DoctorNode {
  node: string;
  answered: boolean;
  worker: WorkerFacts | null;
}

/** Of one check and one level: what follows is only named, or a report of a large cluster would not fit its run. */
const FINDINGS_MAX = 16;

const ORDER: readonly Level[] = ['blocker', 'warning', 'ok'];

/** The first ones in full, the names of the others. */
function bounded(findings: readonly Seen[]): Seen[] {
  if (findings.length <= FINDINGS_MAX) return [...findings];
  const rest = findings.slice(FINDINGS_MAX - 1);
  const [first] = rest;
  if (first === undefined) return [...findings];
  const seen = `the same as above: ${listed([...new Set(rest.map((f) => f.subject))], 50)}`;
  const subject = `${rest.length} more`;
  return [
    ...findings.slice(0, FINDINGS_MAX - 1),
    { ...first, subject, seen, remedy: null, on: null },
  ];
}

export function diagnose(
  v: DoctorView,
  about: { run: string | null; startedBy: string; takenAt: IsoTime },
): DoctorReport {
  const findings: Finding[] = [];
  const unchecked: DoctorReport['unchecked'] = [];
  for (const check of CHECKS) {
    const unless = nobodyTold(v) ? null : (check.unless?.(v) ?? null);
    const seen = unless === null ? check.look(v) : [];
    if (seen.length === 0) unchecked.push({ check: check.id, why: unless ?? whyNot(check, v) });
    for (const level of ORDER) {
      const found = bounded(seen.filter((f) => f.level === level));
      findings.push(...found.map((f) => ({ check: check.id, ...f })));
    }
  }
  const of = (level: Level): Finding[] => findings.filter((f) => f.level === level);
  return {
    cluster: v.cluster,
    ...about,
    blockers: of('blocker').length,
    warnings: of('warning').length,
    ok: of('ok').length,
    nodes: Object.entries(v.nodes).map(([node, exam]) => nodeLine(node, exam)),
    findings: ORDER.flatMap(of),
    unchecked,
  };
}

const nodeLine = (node: string, exam: Part<{ worker: WorkerFacts }>): DoctorNode => ({
  node,
  answered: 'facts' in exam,
  worker: 'facts' in exam ? exam.facts.worker : null,
});

const nobodyTold = (v: DoctorView): boolean =>
  Object.values(v.nodes).every((exam) => 'noAnswer' in exam);

function whyNot(check: Check, v: DoctorView): string {
  if (nobodyTold(v)) return 'no node answered';
  if (check.id === 'file')
    return v.wanted === null ? 'no cluster.yaml was given' : 'the cluster did not answer';
  return clusterView(v) === null ? 'neither the cluster nor a node told it' : 'no node told it';
}
