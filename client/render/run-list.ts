// `run list`: one line per run, newest first, parts of other runs indented under nothing but marked.
import { durationText } from '../../domain/units.ts';
import type { RunListed } from '../runs/list.ts';
import type { Colors } from '../terminal.ts';
import { clip, table } from './format.ts';
import { dateTime } from '../words.ts';
import { paintRunState } from './summary.ts';

interface Options {
  columns: number;
  colors: Colors;
  now: Date;
  all: boolean;
}

export function runListLines(runs: readonly RunListed[], o: Options): string[] {
  if (runs.length === 0) {
    return [o.all ? 'No runs.' : 'Nothing is running. Ended runs:  watari run list --all'];
  }
  const rows = runs.map((r) => {
    const end = r.endedAt === null ? o.now.getTime() : Date.parse(r.endedAt);
    return [
      r.state === 'needs-operator' ? 'needs you' : r.state,
      r.run,
      dateTime(new Date(r.startedAt)),
      durationText(end - Date.parse(r.startedAt)),
      r.startedBy ?? (r.parent === null ? '' : `part of ${r.parent}`),
    ];
  });
  const lines = table([['STATE', 'RUN', 'STARTED', 'TOOK', 'BY'], ...rows], o.columns);
  return lines.map((line, i) => {
    const run = runs[i - 1];
    if (run === undefined) return o.colors.bold(line);
    return clip(paintRunState(run.state, line, o.colors), o.columns);
  });
}
