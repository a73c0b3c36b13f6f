// Cuts of every story, of every kind, end as the uncut one does, with each effect exactly once. They are counted from
// the code: an operation, an activity or a workflow that no story uses fails here by its name.
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { NodeActivityDeps } from '../../activities/examine.ts';
import { createClusterQueue, createNodeQueue } from '../../activities/index.ts';
import { WORKFLOWS } from '../../domain/names.ts';
import { cutsOf, judge, tell, unusedOps, type Telling } from '../../proof/sim/cuts.ts';
import { STORIES } from '../../proof/sim/stories.ts';
import { WorkflowHost } from '../../proof/sim/temporal/workflow-host.ts';
import { ROOT } from '../support/built-setup.ts';
import { endsWithAll } from '../support/ends.ts';

const ends = endsWithAll();
let host: WorkflowHost;
const uncut = new Map<string, Telling>();
beforeAll(async () => {
  host = ends(await WorkflowHost.load(path.join(ROOT, 'dist', 'workflow-bundle.js')));
  for (const story of STORIES) uncut.set(story.name, await tell(story, host));
});

describe('a story that nothing disturbs', () => {
  it.each(STORIES)('comes to its end: $name', ({ name }) => {
    expect(uncut.get(name)?.violations).toEqual([]);
  });

  it('is there for every operation, every workflow and every activity', () => {
    const tellings = [...uncut.values()];
    expect(unusedOps(tellings), 'write a story that uses it in proof/sim/stories.ts').toEqual([]);
    const started = new Set(tellings.flatMap((t) => t.workflows));
    expect(WORKFLOWS.filter((type) => !started.has(type))).toEqual([]);
    const deps = { host: {} } as unknown as NodeActivityDeps;
    const known = [...Object.keys(createClusterQueue(deps)), ...Object.keys(createNodeQueue(deps))];
    const used = new Set([...OF_NO_STORY, ...tellings.flatMap((t) => t.activities)]);
    expect(known.filter((type) => !used.has(type) && !ONLY_AFTER_A_CUT.includes(type))).toEqual([]);
  });
});

/** A process of its own, which the simulated clock cannot pass. */
const OF_NO_STORY = ['runScript'];
/** These mend what a cut or a failure has left; for the last one only runs of earlier versions ask. */
const ONLY_AFTER_A_CUT = ['stopMove', 'readMoveEvents', 'removeRole', 'awaitSlot'];

describe('every cut ends as if it had not been', () => {
  /** Of one story, evenly; all of them: npm run sim -- --cuts. */
  const CUTS_MAX = 32;
  // In parts, so that a loaded computer needs no longer than a test may take.
  const parts = STORIES.flatMap((story) =>
    [0, 1, 2, 3].map((part) => ({ story, part, name: story.name })),
  );
  it.each(parts)('of $name ($part)', async ({ story, part }) => {
    const telling = uncut.get(story.name)!;
    const all = cutsOf(telling);
    expect(all.length).toBeGreaterThan(telling.tasks);
    let every = Math.ceil(all.length / CUTS_MAX);
    // The kinds repeat by 12 and by 2: a stride that shares a factor with them would meet some of them never.
    while (every % 2 === 0 || every % 3 === 0) every += 1;
    const cuts = all.filter((_, i) => i % every === 0);
    const failures = [];
    for (const cut of cuts.filter((_, i) => i % 4 === part)) {
      const what = await judge(story, host, telling, cut);
      if (what !== undefined) failures.push(what);
    }
    expect(failures).toEqual([]);
  });
});
