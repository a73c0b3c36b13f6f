// Where the histories of a report come from: the server, with those of all runs inside, or files that were exported.
import fs from 'node:fs';
import path from 'node:path';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { joinRuns } from '../../domain/report/family.ts';
import { readRun } from '../../domain/report/read-run.ts';
import type { RunRecord } from '../../domain/report/run-record.ts';
import { badInput } from '../errors.ts';
import { pickRun } from '../runs/names.ts';
import { within, type Temporal } from '../temporal/connection.ts';
import { historyText, readHistoryJson } from './history-json.ts';

/** A whole history: at most 50 MB, in pages. */
const FETCH_MS = 60_000;
/** Fetched at once; each may be megabytes. */
const AT_ONCE = 4;
/** A run of a run of a run: apply, prepare, migrate; and room for whatever starts an apply. */
const DEPTH_MAX = 6;

/** @param run the one to report; undefined where the files make clear which one it is. */
export async function fromFiles(
  files: readonly string[],
  run: string | undefined,
  codecs: readonly PayloadCodec[],
): Promise<RunRecord> {
  const records: RunRecord[] = [];
  for (const file of files) {
    const text = historyText(fs.readFileSync(file));
    records.push(await recordOf(text, codecs, path.basename(file)));
  }
  if (run !== undefined) {
    const name = pickRun(
      run,
      records.map((r) => r.run),
      null,
    );
    joinRuns(records);
    const found = records.find((r) => r.run === name);
    if (found !== undefined) return found;
  }
  const [root, ...others] = joinRuns(records);
  if (root !== undefined && others.length === 0) return root;
  throw badInput(
    `these histories are of ${others.length + 1} runs that have nothing to do with each other`,
    `Say which one the report is about:\n${[root, ...others].map((r) => r?.run ?? '').join('\n')}`,
    'RunAmbiguous',
  );
}

/**
 * Of the run's latest execution. Runs inside whose histories Temporal keeps no more are told as their parents saw them.
 */
export async function fromServer(
  temporal: Temporal,
  run: string,
  codecs: readonly PayloadCodec[],
): Promise<RunRecord> {
  const root = await fetchRecord(temporal, run, undefined, codecs);
  let level = [root];
  for (let depth = 0; depth < DEPTH_MAX && level.length > 0; depth += 1) {
    const wanted = level.flatMap((r) => r.children).filter((c) => c.runId !== null);
    const next: RunRecord[] = [];
    for (let i = 0; i < wanted.length; i += AT_ONCE) {
      const some = wanted.slice(i, i + AT_ONCE).map(async (child) => {
        try {
          return await fetchRecord(temporal, child.run, child.runId ?? undefined, codecs);
        } catch (err) {
          if (err instanceof WorkflowNotFoundError) return null;
          throw err;
        }
      });
      next.push(...(await Promise.all(some)).filter((r) => r !== null));
    }
    joinRuns([...level, ...next]);
    level = next;
  }
  return root;
}

async function fetchRecord(
  { client, connection }: Temporal,
  run: string,
  runId: string | undefined,
  codecs: readonly PayloadCodec[],
): Promise<RunRecord> {
  const history = await within(connection, FETCH_MS, () =>
    client.workflow.getHandle(run, runId).fetchHistory(),
  );
  return recordOf(historyToJSON(history), codecs, run);
}

async function recordOf(
  text: string,
  codecs: readonly PayloadCodec[],
  from: string,
): Promise<RunRecord> {
  const { events, unreadable } = await readHistoryJson(text, codecs, from);
  const record = readRun(events);
  if (record === undefined) {
    throw badInput(
      `${from} does not begin with the start of a run`,
      'A history is whole or it is of no use: export it without --reverse and without a filter.',
      'NotAHistory',
    );
  }
  record.gaps.push(...unreadable);
  return record;
}
