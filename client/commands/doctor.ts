// `watari cluster doctor`: everything that a live migration or a restart would fail on, before it does.
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { ClusterSpec } from '../../domain/spec.ts';
import { runId } from '../../domain/names.ts';
import { clusterName, DEFAULT_FILE, loadSpec, type ClusterOptions } from '../cluster/name.ts';
import { finish, talk, type Context } from '../context.ts';
import { examineCluster } from '../cluster/doctor.ts';
import { EXIT } from '../exit-codes.ts';
import { doctorLines } from '../render/doctor.ts';
import { shellWord } from '../words.ts';
import { interruptible, withTemporal, type JsonOption } from './leaf.ts';

export async function runDoctor(ctx: Context, o: ClusterOptions & JsonOption): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  const wanted = wantedOf(ctx, o);
  const code = await withTemporal(ctx, async (temporal) => {
    const cluster = wanted?.cluster ?? (await clusterName(ctx, temporal, o));
    const report = await interruptible(ctx, (signal) =>
      examineCluster(ctx, temporal, { cluster, wanted, talk: out, signal }),
    );
    if (report === null) {
      const run = shellWord(runId.doctor(cluster));
      out.say(['', `The examination goes on. Watch it:  watari run watch ${run}`]);
      return EXIT.interrupted;
    }
    out.result(report);
    if (!out.json) out.say(doctorLines(report, out));
    return report.blockers > 0 ? EXIT.failed : EXIT.done;
  });
  finish(code);
}

/** A cluster.yaml in the folder counts unless another cluster was named. */
function wantedOf(ctx: Context, o: ClusterOptions): ClusterSpec | null {
  if (o.file !== undefined) return loadSpec(ctx, o);
  const inFolder = existsSync(path.resolve(ctx.cwd, DEFAULT_FILE));
  return o.cluster === undefined && inFolder ? loadSpec(ctx, o) : null;
}
