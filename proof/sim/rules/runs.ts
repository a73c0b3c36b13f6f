// Rules about what runs tell: a wait has a reason, and at its end everything is settled.
import { sameName } from '../../../domain/names.ts';
import type { StepStatus } from '../../../domain/status.ts';
import type { DrainNodesResult } from '../../../workflows/drain-nodes.ts';
import { moveBegunBy } from './ledger.ts';
import type { Make } from './rule.ts';

const waitsWithReason: Make = () => ({
  rule: 'a run that waits says for what, and a step that needs a person says why',
  task: (run, status) => {
    if (run.state !== 'open') return undefined;
    const needy = status.steps.filter((s) => s.state === 'needs-operator');
    const mute = needy.find(
      (s) => s.failure === null || s.failure.message === '' || s.waitingFor === null,
    );
    if (mute !== undefined) return `${run.id}: ${mute.id} needs a person and does not say why`;
    if (needy.length > 0 && (status.state !== 'needs-operator' || status.waitingFor === null))
      return `${run.id} waits for a person and shows ${status.state}, ${status.waitingFor ?? 'nothing'}`;
    const retrying = status.steps.find((s) => s.state === 'waiting' && s.waitingFor === null);
    if (retrying !== undefined) return `${run.id}: ${retrying.id} waits and does not say for what`;
    return run.wakes() === false ? `${run.id} hangs: nothing will ever wake it` : undefined;
  },
});

const endsSettled: Make = ({ state, ledger }) => ({
  rule: 'at its end a run has settled its steps, its moves and the nodes that it paused',
  end: (run, status) => {
    if (status.endedAt === null) return `${run.id} has ended and says ${status.state}`;
    const open = status.steps.find((s) =>
      ['running', 'waiting', 'needs-operator'].includes(s.state),
    );
    if (open !== undefined)
      return `${run.id} has ended, and its step ${open.id} is still ${open.state}`;
    if (run.state === 'failed' && !status.steps.some((s) => s.failure !== null))
      return `${run.id} has failed, and no step says why`;
    const text = JSON.stringify(status.steps);
    for (const act of ledger.acts) {
      if (act.runId !== run.runId) continue;
      const started = moveBegunBy(act);
      if (started === undefined) continue;
      const moves = status.steps.filter((s) => /^vm\/.+\/(move|return)(-\d+)?$/.test(s.id));
      const tells = ({ failure, evidence }: StepStatus): boolean =>
        failure !== null || evidence['how'] !== undefined || evidence['tried'] !== undefined;
      if (!moves.some(tells))
        return `${run.id} started a move of ${started.subject} and its report says nothing of it`;
      const running = state().moves.find(
        (m) => m.vm === started.subject && m.to === act.args['node'] && m.by === 'request',
      );
      const isOurs = running !== undefined && !ledger.endedSince(started.subject, started.seq);
      if (isOurs && !/left running|"(MoveStalled|SlotsBusy)"/.test(text))
        return `${run.id} has ended while its move of ${started.subject} still runs, and does not say so`;
    }
    return undefined;
  },
});

const resumes: Make = ({ ledger }) => ({
  rule: 'a node that a run paused is resumed at its end, or the report says that it could not be',
  end: (run, status) => {
    const paused = new Set<string>();
    for (const act of ledger.acts) {
      if (act.runId !== run.runId) continue;
      for (const e of act.effects) {
        if (e.kind === 'node-paused') paused.add(e.subject);
        if (e.kind === 'node-resumed') paused.delete(e.subject);
      }
    }
    const [node] = [...paused].filter((n) => ledger.stillPausedBy(run.runId, n));
    if (node === undefined) return undefined;
    // What a drain that has ended well says, it leaves paused: that is what was asked for.
    const { paused: said } = (run.result ?? {}) as Partial<DrainNodesResult>;
    if (run.type === 'drainNodes' && run.state === 'completed' && said?.[node] === 'us')
      return undefined;
    const told = status.steps.some(
      (s) =>
        /pause|resume/.test(s.id) &&
        s.state === 'failed' &&
        sameName(s.id.split('/').at(s.id.startsWith('undo/') ? 1 : 0) ?? '', node),
    );
    return told ? undefined : `${run.id} has ended and left ${node} paused`;
  },
});

export const RUN_RULES: readonly Make[] = [waitsWithReason, endsSettled, resumes];
