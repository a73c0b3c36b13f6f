// Every history ever written still replays, and there is one of every workflow in every way that its run can go.
// Histories are added, never edited.
import path from 'node:path';
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { LEDGER_WORKFLOW, WORKFLOWS } from '../../domain/names.ts';
import { ROOT } from '../support/built-setup.ts';
import { readProjectFile } from '../support/tree.ts';
import { variantBundle, type Change } from '../support/variants.ts';
import {
  IMPOSSIBLE,
  keptHistories,
  missingOf,
  OUTCOMES,
  readHistory,
  unseenPatches,
  type KeptHistory,
} from './kept-histories.ts';
import { filesThatDiffer, replay } from './mismatch.ts';

const kept = keptHistories();
const bundle = { codePath: path.join(ROOT, 'dist', 'workflow-bundle.js') };

beforeAll(() => {
  // Some tests make the core warn on purpose.
  const filter = makeTelemetryFilterString({ core: 'ERROR' });
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter, forward: {} } },
  });
});

describe('histories', () => {
  let differ: Set<string>;
  beforeAll(async () => {
    differ = await filesThatDiffer(bundle, kept);
  });

  it.each(kept.map((h) => [h.file, h] as const))('%s replays', async (file, history) => {
    if (!differ.has(file)) return;
    await replay(bundle, history);
    throw new Error(`${file} replays alone, and not after the others`);
  });

  it.each(WORKFLOWS)('of %s are kept in every way that its run can go', (workflow) => {
    const missing = missingOf(kept, [workflow]).map((m) => `${m.workflow} ${m.outcome}`);
    expect(
      missing,
      `There is no history of: ${missing.join(', ')}. Runs of that kind are not known to survive an upgrade. ` +
        `Record what is missing with: npm run histories (for a new workflow, write its story in tests/replay/stories.ts first)`,
    ).toEqual([]);
  });

  it.each(['tellPeople', LEDGER_WORKFLOW])('of %s, which nobody starts, are kept', (workflow) => {
    const wrote = kept.filter((h) => h.workflow === workflow);
    expect(wrote, 'WATARI_KEEP_HISTORIES=FOLDER npx vitest run tests/workflows/...').not.toEqual(
      [],
    );
  });

  it('of a new workflow are missed by name', () => {
    const made = [...WORKFLOWS, 'polishCluster' as (typeof WORKFLOWS)[number]];
    const missing = missingOf(kept, made).filter((m) => m.workflow === made.at(-1));
    expect(missing.map((m) => m.outcome)).toEqual([...OUTCOMES]);
  });

  it('show nothing that is said to be impossible', () => {
    const wrong = kept.filter((h) =>
      h.outcomes.some(
        (outcome) => IMPOSSIBLE[h.workflow as (typeof WORKFLOWS)[number]]?.[outcome] !== undefined,
      ),
    );
    expect(wrong.map((h) => h.file)).toEqual([]);
  });

  it('show the new way of every patched() in the workflows', () => {
    const unseen = unseenPatches();
    expect(
      unseen,
      'record a history of the new way: npm run histories; or keep one of a test that goes there: WATARI_KEEP_HISTORIES=FOLDER npx vitest run ...',
    ).toEqual([]);
  });

  it('lie in the folder of the version that wrote them, under the name of their workflow', () => {
    const wrong = kept.filter(
      (h) => !new RegExp(`^\\d+\\.\\d+\\.\\d+/${h.workflow}\\.`).test(h.file),
    );
    expect(wrong.map((h) => h.file)).toEqual([]);
  });
});

describe('a workflow that was changed', () => {
  const FILE = 'workflows/migrate-vm.ts';
  const BEFORE_SLOT = "  const turn = patched('turns') ? new OwnTurn(calls) : undefined;\n";
  const look = "await calls.onCluster({ summary: 'Look once more' }).viewCluster();\n";
  const before = (line: string): Change => ({
    file: FILE,
    from: BEFORE_SLOT,
    to: `    ${line}${BEFORE_SLOT}`,
  });
  const migration = kept.find((h) => h.file.endsWith('migrateVm.completed.41fa3950.json'))!;
  const slot = migration.events.find(
    (e) => e.activityTaskScheduledEventAttributes?.activityType.name === 'awaitSlot',
  )!;

  /** What the replay of that migration says about the changed workflow. */
  const said = async (changes: Change[], others: KeptHistory[] = []): Promise<string> => {
    const code = await variantBundle(changes);
    const found = await filesThatDiffer({ code }, [migration, ...others]);
    expect(others.map((h) => h.file).filter((file) => found.has(file))).toEqual([]);
    if (!found.has(migration.file)) return 'replays';
    return replay({ code }, migration).then(
      () => 'replays alone',
      (err: unknown) => (err as Error).message,
    );
  };

  it('without patched() fails, and is told where, why and what to do', async () => {
    const others = kept.filter((h) => h.workflow === 'createVm');
    const text = await said([before(look)], others);
    expect(text).toContain(
      `migrateVm no longer does what tests/replay/histories/${migration.file}`,
    );
    expect(text).toContain(
      `Event ${slot.eventId}: the run called the activity awaitSlot "Slot for web-1, HV1 -> HV2".`,
    );
    expect(text).toMatch(/something else there: \[TMPRL1100\].*activity command 'viewCluster'/);
    expect(text).toContain("if (patched('two-words-for-the-change'))");
    const [, file = '', anchor = ''] = /More: (\S+)#(\S+)/.exec(text) ?? [];
    const headings = readProjectFile(file).toLowerCase().replaceAll(' ', '-').split('\n');
    expect(headings.includes(`##-${anchor}`), `${file} has the section #${anchor}`).toBe(true);
  });

  it('with patched() replays', async () => {
    expect(await said([before(`if (patched('look-once-more')) ${look}`)])).toBe('replays');
  });

  it('and fails by itself is caught with its own words', async () => {
    const text = await said([before("throw new Error('out of luck');\n")]);
    expect(text).toMatch(/Event \d+: the run [^]* something else there: out of luck/);
  });

  it('is found whatever its name says: a history is read, not its file name', () => {
    const text = JSON.stringify({ events: migration.events });
    expect(readHistory('0.0.1/anything.json', text)).toMatchObject({
      workflow: 'migrateVm',
      outcomes: ['completed', 'crashed'],
    });
  });
});
