// Checks of the workers and of what they could read: without a worker nothing else is known of a node.
import {
  blocker,
  compareVersions,
  newest,
  orFine,
  perNode,
  prose,
  quoted,
  warning,
  type Check,
  type Seen,
} from '../check.ts';
import { exams, nodeNames, type DoctorView, type NodeExam, type Part } from '../view.ts';
import { listed } from '../../units.ts';
import { failureRow, isFailureCode } from '../../failures.ts';

const startWorker = (v: DoctorView): string => `watari worker start --cluster ${v.cluster}`;

/** package.json, engines. */
const NODE_MIN = '20.19.0';

const PARTS = {
  view: 'roles, services and virtual machines',
  setup: 'accounts and policies',
  peers: 'way to the other nodes',
  storage: 'files of its virtual machines',
  events: 'event logs',
} as const satisfies Partial<Record<keyof NodeExam, string>>;

function unread(node: string, exam: NodeExam): Seen[] {
  return Object.entries(PARTS).flatMap(([name, words]) => {
    const part: Part<unknown> = exam[name as keyof typeof PARTS];
    if ('facts' in part) return [];
    const { code, message } = part.noAnswer;
    const hint = isFailureCode(code) ? failureRow(code).hint : 'The log of the worker says more.';
    const seen = `its ${words} could not be read: ${code}: ${message}`;
    // Nothing is moved to a node that does not tell what it is.
    return [(name === 'view' ? blocker : warning)(node, seen, prose(hint), node)];
  });
}

function oldRuntime(node: string, { worker }: NodeExam): Seen[] {
  const out: Seen[] = [];
  if (compareVersions(worker.node, NODE_MIN) < 0) {
    const seen = `its worker runs on Node.js ${worker.node}; watari needs ${NODE_MIN} or newer`;
    out.push(warning(node, seen, 'winget install --id OpenJS.NodeJS.LTS --exact', node));
  }
  const { powershell } = worker;
  if (
    worker.platform === 'win32' &&
    powershell !== null &&
    !/^powershell(\.exe)?$/i.test(powershell)
  ) {
    const seen = `its cmdlets run in ${powershell}; the module FailoverClusters works in Windows PowerShell 5.1 only`;
    const remedy = [
      `[Environment]::SetEnvironmentVariable(${quoted('WATARI_PWSH')}, $null, 'Machine')`,
      prose('Then start the worker again.'),
    ];
    out.push(warning(node, seen, remedy, node));
  }
  return out;
}

export const WORKER_CHECKS: readonly Check[] = [
  {
    id: 'workers',
    group: 'workers',
    title: 'Every node has a worker that answers',
    blocks: 'a node has none, or it does not answer: nothing is moved to a node that is not known',
    warns: null,
    source: 'watari: one worker per node',
    look(v) {
      const names = nodeNames(v);
      if (names.length === 0) {
        const seen = `no worker of cluster ${v.cluster} is running, and no node of it is known`;
        return [blocker(v.cluster, seen, [prose('On every node:'), startWorker(v)], null)];
      }
      const silent = Object.entries(v.nodes).flatMap(([node, exam]) =>
        'noAnswer' in exam ? [blocker(node, exam.noAnswer.message, startWorker(v), node)] : [],
      );
      return orFine(v, silent, `${listed(names)} answered`);
    },
  },
  {
    id: 'readable',
    group: 'workers',
    title: 'Everything that was asked for could be read',
    blocks: 'a node does not tell its roles, services and virtual machines',
    warns: 'another part could not be read, so that the checks which need it know less',
    source: 'watari: what is not known is not well',
    look(v) {
      const all = exams(v);
      if (all.length === 0) return [];
      const problems = all.flatMap(({ node, facts }) => unread(node, facts));
      return orFine(v, problems, `all of ${listed(all.map((e) => e.node))}`);
    },
  },
  {
    id: 'worker-version',
    group: 'workers',
    title: 'All workers are of one version of watari',
    blocks: null,
    warns: 'they are not: a run that an older worker takes over may have to wait for a newer one',
    source: 'watari: any worker may go on with any run',
    look(v) {
      const all = exams(v);
      if (all.length === 0) return [];
      const latest = newest(all.map((e) => e.facts.worker.version));
      const problems = all
        .filter((e) => e.facts.worker.version !== latest)
        .map(({ node, facts }) =>
          warning(
            node,
            `its worker is watari ${facts.worker.version}, others are ${latest}`,
            prose(`Put watari ${latest} on ${node} and start its worker again.`),
            node,
          ),
        );
      return orFine(v, problems, `watari ${latest}`);
    },
  },
  {
    id: 'worker-runtime',
    group: 'workers',
    title: 'Workers run on a Node.js and a PowerShell that fit',
    blocks: null,
    warns: 'Node.js is older than watari needs, or cmdlets run in PowerShell 7 on Windows',
    source:
      'package.json; Windows Server 2025 module compatibility (FailoverClusters: untested in 7)',
    look(v) {
      const all = exams(v);
      if (all.length === 0) return [];
      const problems = all.flatMap(({ node, facts }) => oldRuntime(node, facts));
      const seen = perNode(
        all.map(({ node, facts }) => ({ node, facts: facts.worker })),
        (w) => `Node.js ${w.node}${w.powershell === null ? '' : `, ${w.powershell}`}`,
      );
      return orFine(v, problems, seen);
    },
  },
];
