// What `cluster doctor` prints: blockers first, each with what was seen and a block to paste, then warnings, then one
// line for every group of checks that found nothing.
import { durationText } from '../../domain/units.ts';
import { CHECKS, type DoctorReport } from '../../domain/doctor/diagnose.ts';
import { GROUPS, type Finding, type Group } from '../../domain/doctor/check.ts';
import type { Colors } from '../terminal.ts';
import { clip, oneLine, stringWidth, wrap } from './format.ts';

interface Options {
  columns: number;
  colors: Colors;
}

const counted = (n: number, one: string, many: string): string =>
  n === 0 ? `no ${many}` : `${n} ${n === 1 ? one : many}`;

export function doctorLines(report: DoctorReport, o: Options): string[] {
  const { blockers, warnings, ok, findings } = report;
  const of = (level: Finding['level']): Finding[] => findings.filter((f) => f.level === level);
  return [
    ...headLines(report, o),
    ...section(
      of('blocker'),
      o.colors.bold(o.colors.red(counted(blockers, 'blocker', 'blockers'))),
      'a live migration or a restart will fail, or is not safe',
      o.colors.red('x'),
      o,
    ),
    ...section(
      of('warning'),
      o.colors.bold(o.colors.yellow(counted(warnings, 'warning', 'warnings'))),
      'it may fail, or something else is wrong',
      o.colors.yellow('!'),
      o,
    ),
    ...(ok === 0 && report.unchecked.length === 0 ? [] : ['']),
    ...GROUPS.flatMap((group) => groupLine(group, report, o)),
    ...uncheckedLines(report, o),
  ];
}

function headLines(report: DoctorReport, o: Options): string[] {
  const { cluster, blockers, warnings, ok, nodes } = report;
  const verdict = [
    counted(blockers, 'blocker', 'blockers'),
    counted(warnings, 'warning', 'warnings'),
    `${ok} ${ok === 1 ? 'check' : 'checks'} ok`,
  ].join(', ');
  const answered = nodes.filter((n) => n.answered).map((n) => n.node);
  const who = answered.length === 0 ? 'no node answered' : `${answered.join(', ')} answered`;
  return [
    o.colors.bold(clip(`Cluster ${oneLine(cluster)}: ${verdict}`, o.columns)),
    ...wrap(who, o.columns, '  ').map((line) => o.colors.dim(line)),
  ];
}

function section(
  findings: readonly Finding[],
  head: string,
  meaning: string,
  mark: string,
  o: Options,
): string[] {
  if (findings.length === 0) return [];
  const tail = wrap(meaning, o.columns, '  ').map((line) => o.colors.dim(line));
  return ['', head, ...tail, ...findings.flatMap((f) => ['', ...findingLines(f, mark, o)])];
}

function findingLines(f: Finding, mark: string, o: Options): string[] {
  const room = Math.max(8, o.columns - f.check.length - 6);
  const subject = clip(oneLine(f.subject), room);
  return [
    `  ${mark} ${o.colors.bold(subject)}  ${o.colors.dim(f.check)}`,
    ...wrap(f.seen, o.columns, '    '),
    ...remedyLines(f, o),
  ];
}

/** Commands stand as they are, however long: a wrapped one could not be pasted. Comments are for reading. */
function remedyLines({ remedy, on }: Finding, o: Options): string[] {
  if (remedy === null) return [];
  const lines = remedy
    .split('\n')
    .flatMap((line) =>
      line.startsWith('# ')
        ? wrap(line.slice(2), o.columns, '      # ').map((text) => o.colors.dim(text))
        : [o.colors.cyan(`      ${oneLine(line)}`)],
    );
  return [`    ${on === null ? 'Mend it:' : `Mend it, on ${oneLine(on)}:`}`, ...lines];
}

const GROUP_WORDS: Readonly<Record<Group, string>> = {
  workers: 'workers',
  windows: 'Windows',
  account: 'account',
  network: 'network',
  cluster: 'cluster',
  'hyper-v': 'Hyper-V',
  vms: 'VMs',
};
const GROUP_WIDTH = Math.max(...Object.values(GROUP_WORDS).map((word) => stringWidth(word)));

function groupLine(group: Group, report: DoctorReport, o: Options): string[] {
  const ids = CHECKS.filter((check) => check.group === group).map((check) => check.id);
  const fine = report.findings.filter((f) => f.level === 'ok' && ids.includes(f.check));
  if (fine.length === 0) return [];
  const names = fine.map((f) => f.check).join(', ');
  const count = `${fine.length} of ${ids.length}`.padStart(8);
  const text = `  ok  ${GROUP_WORDS[group].padEnd(GROUP_WIDTH)} ${count}  ${names}`;
  const line = clip(text, o.columns);
  return [o.colors.green(line.slice(0, 4)) + line.slice(4)];
}

/** Checks for which there was nothing to look at, together by the reason. */
function uncheckedLines({ unchecked }: DoctorReport, o: Options): string[] {
  const reasons = [...new Set(unchecked.map((u) => u.why))];
  return reasons.flatMap((why) => {
    const checks = unchecked.filter((u) => u.why === why).map((u) => u.check);
    const lines = wrap(`not checked, ${why}: ${checks.join(', ')}`, o.columns - 6, '');
    return lines.map((line, i) => o.colors.dim(`  ${i === 0 ? '-   ' : '    '}${line}`));
  });
}

/** `asking HV1, HV2, HV3 .. (2.1 s)`. */
export function askingLine(nodes: readonly string[], waitedMs: number, columns: number): string {
  const tail = ` .. (${durationText(waitedMs)})`;
  return clip(`asking ${nodes.join(', ')}`, columns - stringWidth(tail)) + tail;
}
