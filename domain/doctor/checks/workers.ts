// Checks of the workers and of what they could read: without a worker nothing else is known of a node.
import { failureRow, isFailureCode } from '../../failures.ts';
import { listed } from '../../units.ts';
import {
  blocker,
  namesOf,
  orFine,
  perNode,
  prose,
  quoted,
  warning,
  type Check,
  type Seen,
} from '../check.ts';
import { alike, compareVersions, each, newest } from '../looks.ts';
import { exams, nodeNames, type DoctorView, type NodeExam, type Part } from '../view.ts';

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

function unread(exam: NodeExam, node: string): Seen[] {
  return Object.entries(PARTS).flatMap(([name, words]) => {
    const part: Part<unknown> = exam[name as keyof typeof PARTS];
    if ('facts' in part) return [];
    const { code, message } = part.noAnswer;
    const hint = isFailureCode(code) ? failureRow(code).hint : 'The log of the worker says more.';
    const seen = `its ${words} could not be read: ${code}: ${message}`;
    // Nothing is moved to a node that does not tell what it is.
    return (name === 'view' ? blocker : warning)(node, seen, prose(hint));
  });
}

function oldRuntime({ worker }: NodeExam, node: string): Seen[] {
  const out: Seen[] = [];
  if (compareVersions(worker.node, NODE_MIN) < 0) {
    const seen = `its worker runs on Node.js ${worker.node}; watari needs ${NODE_MIN} or newer`;
    out.push(warning(node, seen, 'winget install --id OpenJS.NodeJS.LTS --exact'));
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
    out.push(warning(node, seen, remedy));
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
        'noAnswer' in exam ? blocker(node, exam.noAnswer.message, startWorker(v)) : [],
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
    look: each(exams, unread, (all) => `all of ${namesOf(all)}`),
  },
  {
    id: 'worker-version',
    group: 'workers',
    title: 'All workers are of one version of watari',
    blocks: null,
    warns: 'they are not: a run that an older worker takes over may have to wait for a newer one',
    source: 'watari: any worker may go on with any run',
    look: alike(exams, {
      pick: ({ worker }) => worker.version,
      model: newest,
      say: ({ worker }, node, latest) =>
        warning(
          node,
          `its worker is watari ${worker.version}, others are ${latest}`,
          prose(`Put watari ${latest} on ${node} and start its worker again.`),
        ),
      fine: (latest) => `watari ${latest}`,
    }),
  },
  {
    id: 'worker-runtime',
    group: 'workers',
    title: 'Workers run on a Node.js and a PowerShell that fit',
    blocks: null,
    warns: 'Node.js is older than watari needs, or cmdlets run in PowerShell 7 on Windows',
    source:
      'package.json; Windows Server 2025 module compatibility (FailoverClusters: untested in 7)',
    look: each(exams, oldRuntime, (all) =>
      perNode(
        all,
        ({ worker: { node, powershell } }) =>
          `Node.js ${node}${powershell === null ? '' : `, ${powershell}`}`,
      ),
    ),
  },
];
