// `npm run histories`: plays the stories whose histories are not kept yet and keeps them, in the folder of the version
// that package.json names. Not a part of `npm test`.
import fs from 'node:fs';
import path from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { describe, expect, inject, it } from 'vitest';
import { WORKFLOWS } from '../../domain/names.ts';
import { historyText } from '../support/histories.ts';
import { labCluster, type Handle } from '../support/lab-cluster.ts';
import { realCluster, runnerOf } from '../support/real-cluster.ts';
import { readProjectFile } from '../support/tree.ts';
import {
  HISTORIES,
  IMPOSSIBLE,
  keptHistories,
  missingOf,
  OUTCOMES,
  readHistory,
  unseenPatches,
  type Outcome,
} from './kept-histories.ts';
import { SCENARIO, STORIES, type Story } from './stories.ts';
import { killPid } from '../../proof/rig/processes.ts';
import { waitFor } from '../../proof/rig/waiting.ts';
import { endsWithTest } from '../support/ends.ts';

/** A run that is cancelled when its worker is dead: for what a patch does then. */
type Way = Outcome | 'deserted';

const { version } = JSON.parse(readProjectFile('package.json')) as { version: string };
const kept = keptHistories().filter((h) => h.file.startsWith(`${version}/`));
const unseen = unseenPatches();

const ends = endsWithTest();

const temporal = inject('temporal');

/** A run in a cluster of this test's process. */
async function begin(workflow: (typeof WORKFLOWS)[number], story: Story, faults: string[]) {
  const scenario = `${SCENARIO}faults: [${faults.join(', ')}]\n`;
  const c = ends(await labCluster({ temporal, scenario }));
  const run = await c.start(workflow, story.id(c.cluster), story.input(c.cluster));
  return { c, run };
}

const parked = async (run: Handle): Promise<void> => {
  await run.until('the run to need a person', (s) => s.state === 'needs-operator');
};

/** The worker that has the activity is killed; another one or its successor goes on, unless the run is cancelled. */
async function rob(
  workflow: (typeof WORKFLOWS)[number],
  story: Story,
  cancel = false,
): Promise<WorkflowHandle> {
  const { activity, fault } = story.robbed;
  const scenario = `${SCENARIO}faults: [${fault}]\n`;
  const c = ends(await realCluster({ temporal, scenario, speed: 20 }));
  const id = story.id(c.cluster);
  const run = await c.start(workflow, id, story.input(c.cluster));
  const victim = await waitFor(`a worker to run ${activity}`, () =>
    runnerOf(c.client, story.inside?.(c.cluster) ?? id, activity),
  );
  await killPid(victim.pid);
  if (cancel) await run.raw.cancel();
  const ended = run.result();
  await (cancel ? expect(ended).rejects.toThrow() : ended);
  return run.raw;
}

async function play(workflow: (typeof WORKFLOWS)[number], outcome: Way): Promise<WorkflowHandle> {
  const story = STORIES[workflow];
  if (story === undefined) {
    throw new Error(`${workflow} has no story: write one in tests/replay/stories.ts`);
  }
  const { parks, robbed } = story;
  switch (outcome) {
    case 'completed': {
      const { run } = await begin(workflow, story, []);
      await run.result();
      return run.raw;
    }
    case 'crashed':
      return rob(workflow, story);
    case 'deserted':
      return rob(workflow, story, true);
    case 'cancelled': {
      const { c, run } = await begin(workflow, story, [parks?.fault ?? robbed.fault]);
      if (parks === undefined) {
        await waitFor(`${robbed.activity} to run`, () =>
          runnerOf(c.client, story.inside?.(c.cluster) ?? run.id, robbed.activity),
        );
      } else await parked(run);
      await run.raw.cancel();
      await expect(run.result()).rejects.toThrow();
      return run.raw;
    }
    case 'parked':
    case 'aborted': {
      if (parks === undefined)
        throw new Error(`the story of ${workflow} does not say what parks it`);
      const { run } = await begin(workflow, story, [parks.fault]);
      ends(() => run.raw.terminate('recorded').catch(() => undefined));
      await parked(run);
      if (outcome === 'parked') return run.raw;
      await run.decide({ step: parks.step, action: 'abort' });
      await expect(run.result()).rejects.toThrow();
      return run.raw;
    }
  }
}

const missing = missingOf(kept, WORKFLOWS);
const cases = WORKFLOWS.flatMap((workflow) =>
  [...OUTCOMES.filter((o) => IMPOSSIBLE[workflow]?.[o] === undefined), 'deserted' as const].map(
    (way) => ({
      workflow,
      way,
      isMissing: missing.some((m) => m.workflow === workflow && m.outcome === way),
    }),
  ),
).filter(({ isMissing }) => isMissing || unseen.length > 0);

const named = cases.map((one) => [`${one.workflow} ${one.way}`, one] as const);

describe.runIf(cases.length > 0)(`histories of ${version}`, () => {
  it.each(named)('of %s', async (_name, { workflow, way, isMissing }) => {
    const handle = await play(workflow, way);
    const text = await historyText(handle);
    const outcome = way === 'deserted' ? 'cancelled' : way;
    const [, runId = ''] = /"originalExecutionRunId":"([^"]+)"/.exec(text) ?? [];
    const file = `${version}/${workflow}.${outcome}.${runId.slice(-8)}.json`;
    const history = readHistory(file, text);
    expect(history).toMatchObject({
      workflow,
      outcomes: expect.arrayContaining([outcome]) as object,
    });
    if (!isMissing && !history.patches.some((id) => unseen.includes(id))) return;
    fs.mkdirSync(path.join(HISTORIES, version), { recursive: true });
    fs.writeFileSync(path.join(HISTORIES, file), text);
    process.stdout.write(`kept tests/replay/histories/${file}\n`);
  });
});

it('are all there', () => {
  const now = keptHistories().filter((h) => h.file.startsWith(`${version}/`));
  expect(missingOf(now, WORKFLOWS)).toEqual([]);
});
