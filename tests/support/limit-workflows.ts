// Workflows that do what watari's never do: send too much, ask for too much at once, grow without end. Bundled only for
// tests/long/temporal-limits.long.test.ts, which looks at what a real server does about it.
import {
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setHandler,
  sleep,
  startChild,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';

/** What the worker of that test can do. */
export interface LimitActivities {
  take(values: string): Promise<number>;
  give(bytes: number): Promise<string>;
  fail(message: string): Promise<void>;
  beat(chars: number): Promise<void>;
}

const {
  take,
  give,
  fail: failForGood,
} = proxyActivities<LimitActivities>({
  startToCloseTimeout: '30s',
  retry: { maximumAttempts: 1 },
});
const { beat } = proxyActivities<LimitActivities>({
  startToCloseTimeout: '30s',
  heartbeatTimeout: '10s',
});
/** Its first failure is what is looked at, while it waits for the next try. */
const { fail } = proxyActivities<LimitActivities>({
  startToCloseTimeout: '30s',
  retry: { initialInterval: '1 hour' },
});
/** Nobody serves that queue. */
const unserved = proxyActivities<LimitActivities>({
  taskQueue: 'limits-unserved',
  scheduleToCloseTimeout: '1 hour',
});

const endSignal = defineSignal('end');
const letGoSignal = defineSignal('letGo');
const valueQuery = defineQuery<string>('value');
const quickUpdate = defineUpdate<string, [string]>('quick');
const slowUpdate = defineUpdate<string, [string]>('slow');

/** Hands values of that many characters to as many activities at once. */
export async function sendsValues(count: number, chars: number): Promise<number> {
  const values = Array.from({ length: count }, () => take('x'.repeat(chars)));
  return (await Promise.all(values)).length;
}

/** Gets one value after the other. */
export async function getsValues(count: number, chars: number): Promise<number> {
  for (let i = 0; i < count; i += 1) await give(chars);
  return count;
}

export async function returnsValue(chars: number): Promise<string> {
  return 'x'.repeat(chars);
}

/** Writes so many events in each of so many tasks. */
export async function writesEvents(tasks: number, perTask: number): Promise<void> {
  for (let task = 0; task < tasks; task += 1) {
    for (let i = 0; i < perTask; i += 1) upsertMemo({ at: i });
    await sleep(1);
  }
}

export async function startsActivities(count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => unserved.give(1)));
}

export async function startsChildren(count: number): Promise<void> {
  const { workflowId } = workflowInfo();
  const children = Array.from({ length: count }, (_, i) =>
    startChild(waits, { workflowId: `${workflowId}-${i}`, taskQueue: 'limits-unserved' }),
  );
  await Promise.all(children);
  await condition(() => false);
}

/** Takes signals and updates until it is told to end. */
export async function waits(): Promise<void> {
  let ended = false;
  let letGo = false;
  setHandler(endSignal, () => {
    ended = true;
  });
  setHandler(letGoSignal, () => {
    letGo = true;
  });
  setHandler(quickUpdate, (text) => text);
  setHandler(slowUpdate, async (text) => {
    await condition(() => letGo);
    return text;
  });
  await condition(() => ended);
}

/** Answers with a value of that size when it is asked. */
export async function holdsValue(chars: number): Promise<void> {
  setHandler(valueQuery, () => 'x'.repeat(chars));
  await condition(() => false);
}

/** So many activities at once that report so much each. */
export async function beatsWith(count: number, chars: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, () => beat(chars)));
}

export async function failsWith(message: string): Promise<void> {
  await fail(message);
}

export async function failsForGood(message: string): Promise<void> {
  await failForGood(message);
}
