// May a workflow be started with this? Anybody who reaches Temporal can start one with any JSON; what a workflow cannot
// read would fail its task again and again, under a lock that nobody could take. Pure; unknown fields are let through.
import type { WorkflowName } from './names.ts';
import { spelledOut, STEERING_WORDS, steers } from './steering.ts';

/** undefined when the value is as it must be, else one sentence that says where it is not. */
type Rule = (value: unknown, at: string) => string | undefined;

/** Longer names come from no Windows, and ids and queues are made of them. */
const NAME_CHARS_MAX = 100;
const PATH_CHARS_MAX = 400;
const TEXT_CHARS_MAX = 1000;
/** Of lists: more than any cluster of this kind holds. */
const ENTRIES_MAX = 1000;
/** A year; what takes longer is a number without its unit. */
const SECONDS_MAX = 366 * 86_400;

/** A refusal is shown in a terminal, and JSON itself writes only some of what steers one out. */
const shown = (value: unknown): string => {
  const json = value === undefined ? 'nothing' : spelledOut(JSON.stringify(value));
  return json.length <= 40 ? json : `${json.slice(0, 40)}...`;
};

const text =
  (max: number): Rule =>
  (value, at) => {
    if (typeof value !== 'string') return `${at} must be text, but is ${shown(value)}`;
    if (value.trim() === '') return `${at} is empty`;
    if (value.length > max) return `${at} is longer than ${max} characters`;
    return undefined;
  };

const named =
  (max: number): Rule =>
  (value, at) => {
    const wrong = text(max)(value, at);
    if (wrong !== undefined) return wrong;
    return steers(value as string) ? `${at} has ${STEERING_WORDS}` : undefined;
  };

const number =
  (min: number, max: number, whole: boolean): Rule =>
  (value, at) =>
    typeof value === 'number' && value >= min && value <= max && (!whole || Number.isInteger(value))
      ? undefined
      : `${at} must be a ${whole ? 'whole ' : ''}number from ${min} to ${max}, but is ${shown(value)}`;

const oneOf =
  (...words: readonly (string | number | boolean)[]): Rule =>
  (value, at) =>
    words.some((word) => word === value)
      ? undefined
      : `${at} must be one of ${words.map(shown).join(', ')}, but is ${shown(value)}`;

const first = (wrongs: Iterable<string | undefined>): string | undefined => {
  for (const wrong of wrongs) if (wrong !== undefined) return wrong;
  return undefined;
};

const list =
  (rule: Rule, min = 0): Rule =>
  (value, at) => {
    if (!Array.isArray(value)) return `${at} must be a list, but is ${shown(value)}`;
    if (value.length < min) return `${at} must have at least ${min} entries`;
    if (value.length > ENTRIES_MAX) return `${at} has more than ${ENTRIES_MAX} entries`;
    return first(value.map((one, i) => rule(one, `${at}[${i}]`)));
  };

const object =
  (required: Readonly<Record<string, Rule>>, optional: Readonly<Record<string, Rule>> = {}): Rule =>
  (value, at) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return `${at} must be an object, but is ${shown(value)}`;
    }
    const fields = value as Record<string, unknown>;
    const check = ([key, rule]: [string, Rule]): string | undefined =>
      Object.hasOwn(fields, key) && fields[key] !== undefined
        ? rule(fields[key], `${at}.${key}`)
        : key in required
          ? `${at}.${key} is missing`
          : undefined;
    return first(Object.entries({ ...required, ...optional }).map(check));
  };

const orNull =
  (rule: Rule): Rule =>
  (value, at) =>
    value === null ? undefined : rule(value, at);

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

const vm = object({
  name,
  memoryBytes: number(1, Number.MAX_SAFE_INTEGER, true),
  vhd: path,
  switch: orNull(name),
  generation: oneOf(1, 2),
  node: orNull(name),
});

const spec = object({
  cluster: name,
  nodes: list(name, 1),
  liveMigration: object({
    simultaneousMigrations: count,
    simultaneousStorageMigrations: count,
    performance: oneOf('TCPIP', 'Compression', 'SMB'),
  }),
  virtualMachines: list(vm),
  prove: list(name),
  memoryReserveBytes: bytes,
  budgets,
});

const startedBy = text(TEXT_CHARS_MAX);
const started = { cluster: name, startedBy };
const restarts = oneOf('allowed', 'ask');
const looks = { budgets, nodes: list(name) };

const INPUTS: Readonly<Record<WorkflowName | 'doctor', Rule>> = {
  applyCluster: object({ spec, restarts, startedBy }, { proveAlways: oneOf(true, false) }),
  prepareNode: object(
    { ...started, node: name, restarts },
    { budgets, features: list(name), memoryReserveBytes: bytes },
  ),
  createVm: object({ ...started, vm }, { budgets, memoryReserveBytes: bytes, requestId: name }),
  migrateVm: object({ ...started, vm: nameOfVm }, { budgets, to: name, memoryReserveBytes: bytes }),
  inspectCluster: object(started, { ...looks, files: list(path) }),
  doctor: object(started, { ...looks, unserved: list(name), wanted: spec }),
};

/** undefined when the workflow can be run with this input, else why not. Never throws. */
export const refuseInput = (workflow: WorkflowName, input: unknown): string | undefined =>
  INPUTS[workflow](input, 'input');
