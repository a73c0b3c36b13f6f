// May a workflow be started with this? Anybody who reaches Temporal can start one with any JSON; what a workflow cannot
// read would fail its task again and again, under a lock that nobody could take. Pure.
import { START_REASON_CHARS_MAX } from './bounded.ts';
import { ROUNDS_MAX } from './fleet/tune.ts';
import { readWindows } from './fleet/window.ts';
import { readKb } from './kb.ts';
import { includesName, type WorkflowName } from './names.ts';
import { newVmFaults } from './new-vm.ts';
import { quoteValue } from './quoting.ts';
import type {
  MaintainClusterInput,
  ScheduledMaintenanceInput,
  TuneClusterInput,
  VmSpec,
} from './spec.ts';
import { STEERING_WORDS, steers } from './steering.ts';
import { suggest } from './suggest.ts';

/** What is asked beside "can it be read?": no field that nobody knows, no VM that cannot be made. */
interface Strictness {
  /** Fields that whoever wrote them can do without: those of a newer version, for workers of an older one. */
  mayIgnore: readonly string[];
}

/** undefined when the value is as it must be, else one sentence that says where it is not. */
type Rule = (value: unknown, at: string, strictly: Strictness | null) => string | undefined;

/** Longer names come from no Windows, and ids and queues are made of them. */
const NAME_CHARS_MAX = 100;
const PATH_CHARS_MAX = 400;
const TEXT_CHARS_MAX = 1000;
/** Of lists: more than any cluster of this kind holds. */
const ENTRIES_MAX = 1000;
/** Of VMs: a cluster runs 8,000 at most. */
const VMS_MAX = 8000;
/** A year; what takes longer is a number without its unit. */
const SECONDS_MAX = 366 * 86_400;

const text =
  (max: number): Rule =>
  (value, at) => {
    if (typeof value !== 'string') return `${at} must be text, but is ${quoteValue(value)}`;
    if (value.trim() === '') return `${at} is empty`;
    if (value.length > max) return `${at} is longer than ${max} characters`;
    return undefined;
  };

const named =
  (max: number): Rule =>
  (value, at) => {
    const wrong = text(max)(value, at, null);
    if (wrong !== undefined) return wrong;
    return steers(value as string) ? `${at} has ${STEERING_WORDS}` : undefined;
  };

const number =
  (min: number, max: number, whole: boolean): Rule =>
  (value, at) =>
    typeof value === 'number' && value >= min && value <= max && (!whole || Number.isInteger(value))
      ? undefined
      : `${at} must be a ${whole ? 'whole ' : ''}number from ${min} to ${max}, but is ${quoteValue(value)}`;

const oneOf =
  (...words: readonly (string | number | boolean)[]): Rule =>
  (value, at) =>
    words.some((word) => word === value)
      ? undefined
      : `${at} must be one of ${words.map(quoteValue).join(', ')}, but is ${quoteValue(value)}`;

const first = (wrongs: Iterable<string | undefined>): string | undefined => {
  for (const wrong of wrongs) if (wrong !== undefined) return wrong;
  return undefined;
};

const list =
  (rule: Rule, min = 0, max = ENTRIES_MAX): Rule =>
  (value, at, strictly) => {
    if (!Array.isArray(value)) return `${at} must be a list, but is ${quoteValue(value)}`;
    if (value.length < min) return `${at} must have at least ${min} entries`;
    if (value.length > max) return `${at} has more than ${max} entries`;
    return first(value.map((one, i) => rule(one, `${at}[${i}]`, strictly)));
  };

/** The one that was probably meant, as cluster.yaml says it. */
function unknownField(
  fields: object,
  known: readonly string[],
  at: string,
  { mayIgnore }: Strictness,
): string | undefined {
  const name = Object.keys(fields).find((key) => !known.includes(key) && !mayIgnore.includes(key));
  if (name === undefined) return undefined;
  const shown = quoteValue(name.slice(0, NAME_CHARS_MAX));
  return `${at} has the field ${shown}, which is not known; ${suggest(name, known) ?? 'it has none'}`;
}

const object =
  (required: Readonly<Record<string, Rule>>, optional: Readonly<Record<string, Rule>> = {}): Rule =>
  (value, at, strictly) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return `${at} must be an object, but is ${quoteValue(value)}`;
    }
    const fields = value as Record<string, unknown>;
    const rules = { ...required, ...optional };
    const check = ([key, rule]: [string, Rule]): string | undefined =>
      Object.hasOwn(fields, key) && fields[key] !== undefined
        ? rule(fields[key], `${at}.${key}`, strictly)
        : key in required
          ? `${at}.${key} is missing`
          : undefined;
    const strange =
      strictly === null ? undefined : unknownField(fields, Object.keys(rules), at, strictly);
    return strange ?? first(Object.entries(rules).map(check));
  };

const orNull =
  (rule: Rule): Rule =>
  (value, at, strictly) =>
    value === null ? undefined : rule(value, at, strictly);

const name = named(NAME_CHARS_MAX);
/** Whatever Windows lets a VM be called must be movable, or its node could not be drained. */
const nameOfVm = text(NAME_CHARS_MAX);
const path = named(PATH_CHARS_MAX);
const bytes = number(0, Number.MAX_SAFE_INTEGER, true);
const count = number(1, ENTRIES_MAX, true);
/** A pause may be none; Temporal takes a limit of nothing for no limit. */
const pause = number(0, SECONDS_MAX, false);
const limit = number(0.001, SECONDS_MAX, false);

const budgets = object(
  {},
  {
    restartSeconds: limit,
    answerSeconds: limit,
    stalledMoveSeconds: limit,
    heartbeatSeconds: limit,
    slotSeconds: limit,
    retrySeconds: pause,
  },
);

const vmFields = object({
  name,
  memoryBytes: number(1, Number.MAX_SAFE_INTEGER, true),
  vhd: path,
  switch: orNull(name),
  generation: oneOf(1, 2),
  node: orNull(name),
});

/** Its rules are those of cluster.yaml. Read first: what is told about it can then be told in its own words. */
const vm: Rule = (value, at, strictly) => {
  const wrong = vmFields(value, at, strictly);
  if (wrong !== undefined || strictly === null) return wrong;
  const [fault] = newVmFaults(value as VmSpec);
  if (fault === undefined) return undefined;
  return `${at}.${fault.field}: ${fault.message}${fault.hint === undefined ? '' : `; ${fault.hint}`}`;
};

const spec = object({
  cluster: name,
  nodes: list(name, 1),
  liveMigration: object({
    simultaneousMigrations: count,
    simultaneousStorageMigrations: count,
    performance: oneOf('TCPIP', 'Compression', 'SMB'),
  }),
  virtualMachines: list(vm),
  prove: list(nameOfVm),
  memoryReserveBytes: bytes,
  budgets,
});

const startedBy = text(TEXT_CHARS_MAX);
/** Why, in the words of whoever starts it. */
const reason = text(START_REASON_CHARS_MAX);
const restarts = oneOf('allowed', 'ask');
const started = { cluster: name, startedBy };
const looks = { nodes: list(name) };

const input = (
  required: Readonly<Record<string, Rule>>,
  optional: Readonly<Record<string, Rule>> = {},
): Rule => object(required, { ...optional, budgets, reason, mayIgnore: list(name) });

const flag = oneOf(true, false);
const pastMove = object({
  vm: nameOfVm,
  vmId: name,
  from: name,
  to: name,
  bytes,
  seconds: number(0, SECONDS_MAX, false),
});
/** Only what a run goes by; the rest is for people. */
const anything: Rule = () => undefined;
const plannedMove = object(
  {
    vm: nameOfVm,
    vmId: name,
    from: name,
    to: name,
    bytes,
    startSeconds: anything,
    seconds: number(0, SECONDS_MAX, false),
    why: anything,
  },
  { waits: anything },
);
const plan = object({
  schema: oneOf(1),
  cluster: name,
  clusterId: orNull(name),
  takenAt: name,
  task: anything,
  facts: object({ slots: count, reserveBytes: bytes, nodes: list(anything), vms: list(anything) }),
  moves: list(plannedMove),
  bytes,
  seconds: number(0, SECONDS_MAX, false),
  restarts: list(name),
  off: list(anything),
  blockers: list(anything),
  help: list(anything),
});
const drainOnRecord = object({
  node: name,
  run: text(TEXT_CHARS_MAX),
  paused: oneOf('us', 'others'),
  moves: list(pastMove),
});
const countedVm: Rule = (value, at) =>
  Array.isArray(value) &&
  value.length === 2 &&
  typeof value[0] === 'string' &&
  typeof value[1] === 'number'
    ? undefined
    : `${at} must be a name and MiB, but is ${quoteValue(value)}`;
const outlook = object({
  at: name,
  slots: count,
  nodes: list(
    object(
      {
        name,
        closed: orNull(text(TEXT_CHARS_MAX)),
        freeMiB: orNull(number(-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, false)),
        linkBytesPerSecond: orNull(number(0, Number.MAX_SAFE_INTEGER, false)),
      },
      { vms: list(countedVm, 0, VMS_MAX), bound: list(nameOfVm, 0, VMS_MAX) },
    ),
  ),
});
const reserve = { memoryReserveBytes: bytes };
const kb: Rule = (value, at) =>
  typeof value === 'string' && readKb(value) === value
    ? undefined
    : `${at} must be an article like KB5070001, but is ${quoteValue(value)}`;
const updateChoice = object(
  {},
  { query: text(TEXT_CHARS_MAX), kbs: list(kb), notKbs: list(kb), acceptEula: flag },
);
/** DISM is given it between quotes. */
const folder: Rule = (value, at, strictly) =>
  path(value, at, strictly) ??
  (/["\r\n]/.test(value as string) ? `${at} must not contain quotes` : undefined);
/** What each kind says beside itself. */
const action: Rule = (value, at, strictly) => {
  const kind = (value as { kind?: unknown } | null)?.kind;
  const fields = {
    kind: oneOf('restart', 'updates', 'packages', 'script', 'wait', 'none'),
    ...(kind === 'updates' ? { choice: updateChoice } : {}),
    ...(kind === 'packages' ? { folder } : {}),
    ...(kind === 'script' ? { name: scriptName } : {}),
  };
  return object(fields)(value, at, strictly);
};
/** A file in one folder: no path, and nothing that a command line could read as anything else. */
const scriptName: Rule = (value, at) =>
  typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(value)
    ? undefined
    : `${at} must be the name of a script, of letters, digits, dots, - and _, but is ${quoteValue(value)}`;
const build: Rule = (value, at) =>
  typeof value === 'string' && /^\d{1,6}\.\d{1,6}$/.test(value)
    ? undefined
    : `${at} must be a build like 26100.4652, but is ${quoteValue(value)}`;
const windows: Rule = (value, at) => {
  const wrong = text(PATH_CHARS_MAX)(value, at, null);
  if (wrong !== undefined) return wrong;
  const read = readWindows(value as string);
  return 'wrong' in read ? `${at}: ${read.wrong}` : undefined;
};

const maintenanceFields = {
  ...reserve,
  nodes: list(name, 1),
  maxFailed: number(0, ENTRIES_MAX, true),
  window: windows,
  canary: name,
  soakSeconds: number(0, SECONDS_MAX, false),
  pauseAfterEach: flag,
  bringBack: flag,
};
const maintainInput = input({ ...started, action }, { ...maintenanceFields, outlook });
/** Nobody is asked where nodes may fail, so nobody could be waited for. */
const maintenance: Rule = (value, at, strictly) => {
  const wrong = maintainInput(value, at, strictly);
  if (wrong !== undefined) return wrong;
  const { action: deed, maxFailed = 0, canary, soakSeconds, nodes } = value as MaintainClusterInput;
  if (deed.kind === 'wait' && maxFailed > 0)
    return `${at}.action waits for a person, and with ${at}.maxFailed nobody is asked`;
  if (soakSeconds !== undefined && canary === undefined)
    return `${at}.soakSeconds is the wait after ${at}.canary, which is missing`;
  return canary !== undefined && nodes !== undefined && !includesName(nodes, canary)
    ? `${at}.canary is not among ${at}.nodes`
    : undefined;
};

const scheduledInput = input(
  { ...started, schedule: name, maintenance: object({ action }, maintenanceFields) },
  { startWithinSeconds: number(0, SECONDS_MAX, false) },
);
/** What the maintenance would be refused for is known before its time. */
const scheduled: Rule = (value, at, strictly) => {
  const wrong = scheduledInput(value, at, strictly);
  if (wrong !== undefined) return wrong;
  const { maintenance: wishes, cluster, startedBy } = value as ScheduledMaintenanceInput;
  return maintenance({ ...wishes, cluster, startedBy }, `${at}.maintenance`, strictly);
};

const tuningInput = input(
  { ...started, vm: nameOfVm },
  {
    ...reserve,
    others: list(nameOfVm),
    simultaneous: list(count),
    to: name,
    rounds: number(1, ROUNDS_MAX, true),
    smb: flag,
  },
);
const tuning: Rule = (value, at, strictly) => {
  const wrong = tuningInput(value, at, strictly);
  if (wrong !== undefined) return wrong;
  const { vm, others = [], simultaneous } = value as TuneClusterInput;
  if (new Set([vm, ...others].map((one) => one.toLowerCase())).size <= others.length)
    return `${at}.others names a canary twice`;
  if (simultaneous !== undefined && others.length === 0)
    return `${at}.simultaneous needs ${at}.others: one canary alone stays below every limit`;
  return simultaneous === undefined ||
    (simultaneous.length === 2 && new Set(simultaneous).size === 2)
    ? undefined
    : `${at}.simultaneous must be two numbers that differ`;
};

const INPUTS: Readonly<Record<WorkflowName, Rule>> = {
  applyCluster: object(
    { spec, restarts, startedBy },
    { proveAlways: oneOf(true, false), reason, mayIgnore: list(name) },
  ),
  prepareNode: input(
    { ...started, node: name, restarts },
    { features: list(name), memoryReserveBytes: bytes },
  ),
  createVm: input({ ...started, vm }, { memoryReserveBytes: bytes, requestId: name }),
  migrateVm: input({ ...started, vm: nameOfVm }, { to: name, memoryReserveBytes: bytes }),
  inspectCluster: input(started, { ...looks, files: list(path), about: nameOfVm }),
  drainNodes: input({ ...started, nodes: list(name, 1) }, { ...reserve, plan }),
  resumeNodes: input(
    { ...started, nodes: list(name, 1) },
    { ...reserve, bringBack: flag, force: flag, drained: list(drainOnRecord) },
  ),
  maintainCluster: maintenance,
  maintainNode: input(
    { ...started, node: name, action },
    { ...reserve, build, bringBack: flag, unattended: flag, outlook },
  ),
  scheduledMaintenance: scheduled,
  balanceCluster: input({ ...started, withinPercent: number(1, 50, false) }, { ...reserve, plan }),
  tuneCluster: tuning,
  surveyFleet: input(started, { owners: list(name) }),
  scanUpdates: input(started, { ...looks, query: text(TEXT_CHARS_MAX) }),
  doctor: input(started, { ...looks, unserved: list(name), wanted: spec }),
};

/** undefined when the workflow can be run with this input, else why not. Never throws. */
export const refuseInput = (workflow: WorkflowName, given: unknown): string | undefined =>
  INPUTS[workflow](given, 'input', null);

/** Of an input that can be read: why it should not be. Its `mayIgnore` names fields that need not be known. */
export function refuseMeaning(workflow: WorkflowName, given: unknown): string | undefined {
  const { mayIgnore = [] } = given as { mayIgnore?: string[] };
  return INPUTS[workflow](given, 'input', { mayIgnore });
}
