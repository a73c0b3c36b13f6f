// What the client's unit tests hand in instead of a terminal, a clock and a server.
import pc from 'picocolors';
import type { Clock, Context } from '../../client/context.ts';
import type { RunView, StepView } from '../../client/runs/view.ts';
import type { OutStream, Terminal } from '../../client/terminal.ts';

export const noColors = pc.createColors(false);

export interface FakeStream extends OutStream {
  text(): string;
}

export function fakeStream(
  o: { isTTY?: boolean; columns?: number; rows?: number } = {},
): FakeStream {
  let written = '';
  return {
    ...o,
    write: (text) => {
      written += text;
    },
    text: () => written,
  };
}

export interface FakeTerminal extends Terminal {
  stdout: FakeStream;
  stderr: FakeStream;
  asked: string[];
  interrupt(): void;
}

export function fakeTerminal(o: { canAsk?: boolean; answer?: string } = {}): FakeTerminal {
  const asked: string[] = [];
  const handlers = new Set<() => void>();
  return {
    stdout: fakeStream(),
    stderr: fakeStream(),
    canAsk: o.canAsk ?? false,
    color: false,
    asked,
    ask: async (question) => {
      asked.push(question);
      return o.answer ?? '';
    },
    askHidden: async (question) => {
      asked.push(question);
      return o.answer ?? '';
    },
    onInterrupt: (handler) => {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    interrupt: () => {
      for (const handler of handlers) handler();
    },
  };
}

/** Stands still until something sleeps. */
export function fakeClock(start = '2026-11-24T09:00:00.000Z'): Clock {
  let at = Date.parse(start);
  return {
    now: () => new Date(at),
    elapsedMs: () => at,
    sleep: async (ms) => {
      at += ms;
    },
  };
}

export function fakeContext(o: Partial<Context> & { cwd: string }): Context {
  return {
    terminal: fakeTerminal(),
    clock: fakeClock(),
    startedBy: 'ito@ADMIN-PC',
    computer: 'ADMIN-PC',
    defaultCluster: null,
    labUrl: undefined,
    places: {
      dataDir: o.cwd,
      cliPath: undefined,
      searchPath: '',
      platform: 'win32',
      childEnvironment: () => ({}),
    },
    temporalTarget: () => {
      throw new Error('this test has no Temporal');
    },
    connect: () => Promise.reject(new Error('this test has no Temporal')),
    ...o,
  };
}

export function step(id: string, o: Partial<StepView> = {}): StepView {
  return {
    id,
    title: `Title of ${id}`,
    state: 'pending',
    attempt: 0,
    startedAt: null,
    endedAt: null,
    waitingFor: null,
    skippable: false,
    progress: null,
    failure: null,
    evidence: {},
    child: null,
    run: 'watari/hv-lab/apply',
    ...o,
  };
}

export function view(steps: StepView[], o: Partial<RunView> = {}): RunView {
  return {
    run: 'watari/hv-lab/apply',
    runId: '0198-run',
    workflow: 'applyCluster',
    state: 'running',
    waitingFor: null,
    startedAt: '2026-11-24T08:59:00.000Z',
    endedAt: null,
    startedBy: 'ito@HV1',
    title: 'Apply hv-lab',
    steps,
    children: [],
    notes: [],
    ...o,
  };
}
