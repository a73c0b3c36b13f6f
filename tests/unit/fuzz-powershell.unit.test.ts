// Random answers of PowerShell: exactly the facts that were sent, or an error of the port. An answer that is cut off,
// mixed with other output or of another shape is never taken for one, and never for "nothing has changed".
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { ACT_OPS, HypervError, READ_OPS, type Op } from '../../hyperv/host.ts';
import { ANSWERS } from '../../hyperv/powershell/answers.ts';
import { badAnswer, failureOf } from '../../hyperv/powershell/failures.ts';
import { powershellHost, type PowerShellHost } from '../../hyperv/powershell/host.ts';
import { readReply, whyNot } from '../../hyperv/powershell/reply.ts';
import { ROOT } from '../support/built-setup.ts';
import { failsOnlyWith, tryAll } from '../support/fuzz.ts';
import { hostileText, hostileValue, mutatedValue } from '../support/hostile.ts';
import { arbitraryOf } from '../support/zod-arbitrary.ts';
import { needs, POSIX } from '../support/needs.ts';

const NONCE = 'n0nce_-';
const OPS: readonly Op[] = [...READ_OPS, ...ACT_OPS];

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
const lineOf = (content: string, nonce = NONCE): string =>
  `<${nonce}:${content.length}:${content}>`;

/** As JSON carries it. */
const asJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const words = fc.array(hostileText, { maxLength: 3 });

/** Bytes as text in Latin 1: noise need not be UTF-8. */
const noise = fc.oneof(
  fc.constant(''),
  hostileText.map((text) => Buffer.from(text, 'utf8').toString('latin1')),
  fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  fc.constantFrom(
    '\r\n',
    '\ufeff',
    '<',
    '>',
    '<other:4:e30=>',
    'VERBOSE: x\n',
    'AAAA',
    '=',
    '\u001b[2J',
  ),
);

interface Sent {
  op: Op;
  facts: unknown;
  /** The base64 of a whole answer. */
  content: string;
}

const sent: fc.Arbitrary<Sent> = fc.constantFrom(...OPS).chain((op) =>
  fc
    .record({ facts: arbitraryOf(ANSWERS[op]), cmdlets: words, log: words })
    .map(({ facts, cmdlets, log }) => ({
      op,
      facts: asJson(facts),
      content: base64(JSON.stringify({ ok: true, facts, cmdlets, log })),
    })),
);

type Outcome = 'facts' | 'none' | 'bad';
interface Case extends Sent {
  output: string;
  outcome: Outcome;
}

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const at = (share: number, text: string): number => Math.floor(share * text.length);

/** Ways in which an answer arrives, and what must come of it. */
const arrived: fc.Arbitrary<Case> = fc
  .record({ good: sent, other: sent, before: noise, after: noise, inside: noise, share: place })
  .chain(({ good, other, before, after, inside, share }) => {
    const line = lineOf(good.content);
    const cut = at(share, line);
    const make = (output: string, outcome: Outcome): Case => ({ ...good, output, outcome });
    const within = line.slice(0, cut) + inside + line.slice(cut);
    const json = Buffer.from(good.content, 'base64');
    // A byte that no UTF-8 has, in place of one of the text.
    const broken = Buffer.from(json);
    broken[at(share, good.content) % broken.length] = 0xff;
    return fc.constantFrom(
      make(before + line + after, 'facts'),
      make(`${before}${line}\r\n`, 'facts'),
      make(`${line}\n${line}`, 'facts'),
      make(line.slice(0, cut), 'none'),
      make(before + line.slice(0, cut) + after.replaceAll('>', ''), 'none'),
      // What is written beside an answer leaves it whole.
      make(within, within.includes(line) ? 'facts' : 'none'),
      make(lineOf(good.content, 'another'), 'none'),
      make(lineOf(broken.toString('base64')), 'none'),
      make(
        good.content === other.content ? line : `${line}\n${lineOf(other.content)}`,
        good.content === other.content ? 'facts' : 'none',
      ),
      make(`<${NONCE}:${line.slice(0, cut)}${line}`, 'none'),
      make(lineOf(good.content.slice(0, -4)), 'none'),
    );
  });

/** What the port makes of an answer, without a process. */
function understand({ op, output }: { op: Op; output: string }): unknown {
  const read = readReply(NONCE, output);
  if (read.kind !== 'reply') return 'none';
  if (!read.reply.ok) throw failureOf(op, 'HV1', read.reply.error);
  const facts = ANSWERS[op].safeParse(read.reply.facts);
  if (!facts.success) throw badAnswer(op, 'HV1', false, whyNot(facts.error));
  return { facts: facts.data };
}

function mustBeShort(error: HypervError): void {
  expect(error.message.length).toBeLessThan(4000);
  expect(error.message).not.toMatch(/\[object |Cannot read/);
}

describe('an answer of PowerShell', () => {
  it('gives exactly the facts that were sent, or nothing when it did not arrive whole', () =>
    tryAll(
      'PowerShell, answers as they arrive',
      arrived,
      (one) => {
        expect(understand(one)).toEqual(one.outcome === 'facts' ? { facts: one.facts } : 'none');
      },
      { share: 3, examples: REGRESSIONS },
    ));

  it('that is cut off at any character is none', () => {
    const [one] = fc.sample(sent, { numRuns: 1, seed: 7 });
    const line = lineOf(one!.content);
    for (let end = 0; end < line.length; end += 1) {
      expect(readReply(NONCE, line.slice(0, end)).kind).toBe('none');
    }
    expect(readReply(NONCE, line).kind).toBe('reply');
  });

  it('of another shape is an error that is short enough to be kept', () =>
    tryAll(
      'PowerShell, answers of another shape',
      sent.chain(({ op, content }) =>
        fc
          .oneof(
            mutatedValue(JSON.parse(Buffer.from(content, 'base64').toString('utf8'))),
            mutatedValue(FAILED),
            hostileValue,
            fc.constant({
              ok: true,
              facts: Array.from({ length: 500 }, () => ({})),
              cmdlets: [],
              log: [],
            }),
            fc.constant({ ...FAILED, error: { ...FAILED.error, message: 'x'.repeat(10_000) } }),
          )
          .map((reply) => ({ op, output: lineOf(base64(JSON.stringify(reply))) })),
      ),
      async (one) => {
        const { error } = await failsOnlyWith(HypervError, () => understand(one));
        if (error !== undefined) mustBeShort(error);
      },
      { share: 1.5 },
    ));
});

const FAILED = {
  ok: false,
  error: {
    errorId: 'Move-ClusterVirtualMachineRole,Microsoft.X',
    category: 'NotSpecified',
    command: 'Move-ClusterVirtualMachineRole',
    message: 'it failed',
    chain: [{ type: 'System.Exception', hresult: '0x80071398', message: 'm' }],
  },
  cmdlets: ['Move-ClusterVirtualMachineRole'],
  log: ['warning: x'],
};

const stopped: Sent = {
  op: 'readServices',
  facts: [{ name: 'vmms', state: 'Stopped' }],
  content: base64('{"ok":true,"facts":[{"name":"vmms","state":"Stopped"}],"cmdlets":[],"log":[]}'),
};
/** Letters of base64 in the middle of a name once gave another name. */
const REGRESSIONS: Case[] = [
  {
    ...stopped,
    output: lineOf(stopped.content).replace(/(<.{60})/, '$1AAAAAAAA'),
    outcome: 'none',
  },
];

const HELLO = {
  version: '5.1',
  edition: 'Desktop',
  language: 'FullLanguage',
  is64Bit: true,
  pid: 1,
  user: 'u',
  culture: 'en-US',
};

const shells: PowerShellHost[] = [];
afterAll(() => Promise.all(shells.map((shell) => shell.close())));

function shellThat(hello: unknown): PowerShellHost {
  const shell = powershellHost({
    node: 'HV1',
    engine: path.join(ROOT, 'tests', 'support', 'fake-shell.mjs'),
    env: { FAKE_HELLO: JSON.stringify(hello) },
    poolSize: 1,
    timeouts: { readMs: 15_000, actMs: 15_000 },
  });
  shells.push(shell);
  return shell;
}

interface Plan {
  pieces: string[];
  exit?: number;
  flood?: boolean;
}

const ask = (shell: PowerShellHost, plan: Plan, act = false): Promise<{ facts: unknown }> => {
  const text = `PLAN:${JSON.stringify(plan)}`;
  return act ? shell.pauseNode({ node: text }) : shell.readServices({ names: [text] });
};

const pieces = (output: string, cuts: readonly number[]): string[] => {
  const ends = [...cuts.map((share) => at(share, output)), output.length].sort((a, b) => a - b);
  return ends.map((end, i) => output.slice(ends[i - 1] ?? 0, end));
};

// A script with a shebang is no program on Windows; what reads the bytes is the same everywhere.
describe('a shell that answers anything', needs(POSIX), () => {
  const shell = shellThat(HELLO);

  it('gives the facts, however the bytes are split, or an outcome that is not known', () =>
    tryAll(
      'PowerShell, processes',
      fc.record({
        one: arrived.filter(({ op }) => op === 'readServices' || op === 'pauseNode'),
        cuts: fc.array(place, { maxLength: 6 }),
        exit: fc.constantFrom(undefined, undefined, undefined, undefined, 0, 1),
      }),
      async ({ one, cuts, exit }) => {
        const plan = {
          pieces: pieces(one.output.replaceAll(NONCE, '%NONCE%'), cuts),
          ...(exit !== undefined && { exit }),
        };
        const { value, error } = await failsOnlyWith(HypervError, () =>
          ask(shell, plan, one.op === 'pauseNode'),
        );
        if (error !== undefined) {
          mustBeShort(error);
          expect(error.info.outcome).toBe('unknown');
          expect([one.outcome, exit]).not.toEqual(['facts', undefined]);
        } else expect([value.facts, one.outcome]).toEqual([one.facts, 'facts']);
      },
      { share: 0.06 },
    ));

  it('that never stops writing is ended, and the next call is answered', async () => {
    await expect(ask(shell, { pieces: [], flood: true })).rejects.toMatchObject({
      info: { outcome: 'unknown' },
      message: expect.stringContaining('8 MB') as unknown,
    });
    const line = lineOf(stopped.content, '%NONCE%');
    expect(await ask(shell, { pieces: [line] })).toMatchObject({ facts: stopped.facts });
  });

  it('that says hello in another shape is refused by name', async () => {
    for (const hello of [null, 5, { ...HELLO, pid: 'one' }, { ...HELLO, language: 'NoLanguage' }]) {
      await expect(ask(shellThat(hello), { pieces: [] })).rejects.toMatchObject({
        info: { errorId: 'PowerShellUnavailable', outcome: 'refused' },
      });
    }
  });
});
