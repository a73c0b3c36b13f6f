// `watari run report`: what a run did, as one file for whoever asks later. From the server, or from histories that were
// exported, without any worker.
import fs from 'node:fs';
import type { Command } from 'commander';
import type { PayloadCodec } from '@temporalio/common';
import type { RunRecord } from '../../domain/report/run-record.ts';
import { talk, type Context } from '../context.ts';
import { badInput } from '../errors.ts';
import { packageVersion } from '../package-root.ts';
import { fromFiles, fromServer } from '../report/gather.ts';
import { htmlReport } from '../report/html.ts';
import { markdownReport } from '../report/markdown.ts';
import { reportOf } from '../report/sections.ts';
import { PLAIN, type Temporal } from '../temporal/connection.ts';
import { leaf, withTemporal, type ContextSource, type JsonOption } from './leaf.ts';

export interface ReportOptions extends JsonOption {
  cluster?: string;
  html?: boolean;
  md?: boolean;
  out?: string;
  history?: string[];
}

type Resolve = (
  ctx: Context,
  temporal: Temporal,
  name: string,
  o: { cluster?: string },
) => Promise<string>;

export function addReport(run: Command, context: ContextSource, resolve: Resolve): void {
  leaf(run, 'report [run]', 'tell what a run did, as a file to keep (default: Markdown)', [
    'watari run report vm/web-1/migrate --html --out web-1.html',
    'watari run report --history run.json --html --out run.html',
  ])
    .option('-c, --cluster <name>', 'name of the cluster')
    .option('--html', 'one HTML file: no script, nothing fetched, prints on paper')
    .option('--md', 'Markdown, for tickets and wikis')
    .option('--out <file>', 'write it there, and not to standard output')
    .option(
      '--history <file...>',
      'read exported histories, of the run and of runs inside it, and ask no server',
    )
    .action((name: string | undefined, o: ReportOptions) => runReport(context(), name, o, resolve));
}

async function runReport(
  ctx: Context,
  name: string | undefined,
  o: ReportOptions,
  resolve: Resolve,
): Promise<void> {
  const forms = [o.html, o.md, o.json].filter((given) => given === true);
  if (forms.length > 1) {
    throw badInput('--html, --md and --json are three forms of one report', 'Give one of them.');
  }
  const record = await gather(ctx, name, o, resolve);
  const at = ctx.clock.now().toISOString();
  const text = written(record, o, at);
  if (o.out === undefined) {
    ctx.terminal.stdout.write(text);
    return;
  }
  fs.writeFileSync(o.out, text);
  const out = talk(ctx.terminal, o.json === true);
  out.say([`The report of ${record.run} is in ${o.out}`]);
}

async function gather(
  ctx: Context,
  name: string | undefined,
  o: ReportOptions,
  resolve: Resolve,
): Promise<RunRecord> {
  const { history } = o;
  if (history !== undefined) return fromFiles(history, name, codecsOf(ctx.payloads));
  if (name === undefined) {
    throw badInput(
      'neither a run nor a history was named',
      'Example:  watari run report apply --html --out apply.html',
      'Usage',
    );
  }
  return withTemporal(ctx, async (temporal) => {
    const run = await resolve(ctx, temporal, name, o);
    return fromServer(temporal, run, codecsOf(temporal.target));
  });
}

const codecsOf = (payloads: Partial<typeof PLAIN> | undefined): readonly PayloadCodec[] =>
  (payloads?.dataConverter ?? PLAIN.dataConverter).payloadCodecs ?? [];

function written(record: RunRecord, o: ReportOptions, at: string): string {
  if (o.json === true) return `${JSON.stringify({ report: 1, madeAt: at, ...record }, null, 2)}\n`;
  const made = { at, version: packageVersion() };
  const report = reportOf(record, at);
  return o.html === true ? htmlReport(report, record, made) : markdownReport(report, record, made);
}
