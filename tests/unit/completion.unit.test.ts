// `watari completion`, asked as the shells themselves ask: bash, zsh and PowerShell run the script that the command
// prints.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildProgram, runCli } from '../../client/program.ts';
import { completionTree } from '../../client/completion/tree.ts';
import { fakeContext, fakeTerminal } from '../support/client-fakes.ts';
import { ENGINE } from '../support/engine.ts';
import { endsWithAll, temporaryFolder } from '../support/ends.ts';
import { BASH, needs, POWERSHELL, ZSH } from '../support/needs.ts';

const folder = temporaryFolder('watari-completion-', endsWithAll());
const scriptOf = (shell: string): string => path.join(folder, shell);

async function print(...words: string[]): Promise<{ code: number; text: string; error: string }> {
  const terminal = fakeTerminal();
  const context = () => fakeContext({ cwd: folder, terminal });
  const code = await runCli(['completion', ...words], { terminal, context, debug: false });
  return { code, text: terminal.stdout.text(), error: terminal.stderr.text() };
}

function run(command: string, args: readonly string[]): string[] {
  const done = spawnSync(command, args, { cwd: folder, encoding: 'utf8', windowsHide: true });
  expect(done.stderr).toBe('');
  return done.stdout.split(/\r?\n/).filter((line) => line !== '');
}

beforeAll(async () => {
  for (const shell of ['bash', 'zsh', 'powershell'])
    fs.writeFileSync(scriptOf(shell), (await print(shell)).text);
  fs.writeFileSync(path.join(folder, 'my cluster.yaml'), '');
});

/** What is typed, with the cursor at its end, and what every shell must offer. */
const ASKED = [
  { typed: 'watari clu', offered: ['cluster'] },
  { typed: 'watari run s', offered: ['show', 'skip'] },
  { typed: 'watari worker ', offered: ['start', 'install', 'uninstall', 'status', 'contact'] },
  { typed: 'watari worker install --ac', offered: ['--account'] },
  { typed: 'watari worker install --cluster hv-lab --log', offered: ['--log-folder'] },
  { typed: 'watari run retry apply --re', offered: ['--reason'] },
  { typed: 'watari completion z', offered: ['zsh'] },
];

describe('watari completion', () => {
  it('knows every command and every option of the command line, in ASCII', () => {
    const program = buildProgram(fakeTerminal(), () => fakeContext({ cwd: folder }));
    const tree = completionTree(program);
    expect(tree.map((node) => node.path)).toEqual(
      expect.arrayContaining(['', 'cluster apply', 'worker install', 'codec new-key']),
    );
    expect(tree.find((node) => node.path === 'cluster plan')?.paths).toEqual(['--file', '-f']);
    const shown = tree.flatMap((node) => [...node.words, ...node.options]);
    expect(shown.filter(({ word, about }) => !/^[\x20-\x7e]+$/.test(word + about))).toEqual([]);
  });

  it('refuses a shell that it has no script for, and names those that it has', async () => {
    const { code, error } = await print('fish');
    expect(code).toBe(2);
    expect(error).toMatch(/powershell, bash, zsh/);
  });

  it('prints one document with --json', async () => {
    const { text } = await print('bash', '--json');
    expect(JSON.parse(text)).toEqual({
      shell: 'bash',
      script: fs.readFileSync(scriptOf('bash'), 'utf8'),
    });
  });
});

describe('bash', needs(BASH), () => {
  const ask = (typed: string): string[] =>
    run('bash', [
      ...['--norc', '-c'],
      `source "$1"; read -ra COMP_WORDS <<< "$2"; [[ $2 == *' ' ]] && COMP_WORDS+=('')
       COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _watari; printf '%s\\n' "\${COMPREPLY[@]}"`,
      ...['bash', scriptOf('bash'), typed],
    ]);

  it.each(ASKED)('offers $offered after "$typed"', ({ typed, offered }) => {
    expect(ask(typed)).toEqual(offered);
  });

  it('completes files where one is wanted, with spaces, and nothing where a name is', () => {
    expect(ask('watari cluster plan -f my')).toEqual(['my cluster.yaml']);
    expect(ask('watari vm migrate --to H')).toEqual([]);
  });

  it('asks this script for watari', () => {
    const told = run('bash', [
      '--norc',
      '-c',
      'source "$1"; complete -p',
      'bash',
      scriptOf('bash'),
    ]);
    expect(told).toContain('complete -F _watari watari');
  });
});

describe('zsh', needs(ZSH), () => {
  /** Its own functions filter by what is typed; here they say what they were given. */
  const ask = (typed: string): string[] =>
    run('zsh', [
      ...['-f', '-c'],
      `autoload -Uz compinit && compinit -u -D && source "$1"
       _describe() { [[ $1 == -o ]] && shift; print -rl -- \${(P)2}; }
       _files() { print -r -- 'a file'; }
       words=(\${=2}); [[ $2 == *' ' ]] && words+=(''); CURRENT=\${#words}; PREFIX=\${words[-1]}
       $_comps[watari]; true`,
      ...['zsh', scriptOf('zsh'), typed],
    ]);
  const wordsOf = (typed: string): string[] => {
    const last = typed.slice(typed.lastIndexOf(' ') + 1);
    return ask(typed)
      .map((line) => line.split(':')[0] ?? '')
      .filter((word) => word.startsWith(last));
  };

  it.each(ASKED)('offers $offered after "$typed"', ({ typed, offered }) => {
    expect(wordsOf(typed)).toEqual(offered);
  });

  it('completes files where one is wanted, and nothing where a name is', () => {
    expect(ask('watari cluster plan -f my')).toEqual(['a file']);
    expect(ask('watari vm migrate --to H')).toEqual([]);
  });

  it('tells what each word does', () => {
    expect(ask('watari cluster ').join('\n')).toMatch(/^apply:.{10}/m);
  });
});

describe('PowerShell', needs(POWERSHELL), () => {
  let answers: Record<string, { text: string; tip: string }[]> = {};
  const FILE = 'watari cluster plan -f my';

  /** One engine for all, as it takes a second to start; the alias is the one of docs/operating.md. */
  beforeAll(() => {
    const typed = [...ASKED.map((one) => one.typed), 'watari.cmd clu', FILE];
    const script = `
      Invoke-Expression ([IO.File]::ReadAllText('${scriptOf('powershell')}'))
      Set-Alias watari '${process.execPath}'
      $answers = @{}
      foreach ($typed in @(${typed.map((line) => `'${line}'`).join(', ')})) {
        $found = (TabExpansion2 $typed -cursorColumn $typed.Length).CompletionMatches
        $answers[$typed] = @($found | ForEach-Object { @{ text = $_.CompletionText; tip = $_.ToolTip } })
      }
      ConvertTo-Json $answers -Depth 4 -Compress`;
    const encoded = Buffer.from(script, 'utf16le').toString('base64');
    const said = run(ENGINE ?? '', ['-NoProfile', '-NonInteractive', '-EncodedCommand', encoded]);
    answers = JSON.parse(said.join('')) as typeof answers;
  });
  const textsOf = (typed: string): string[] => answers[typed]?.map(({ text }) => text) ?? [];

  it.each(ASKED)('offers $offered after "$typed"', ({ typed, offered }) => {
    expect(textsOf(typed)).toEqual(offered);
  });

  it('does it for the program under its own name, too, and tells what a word does', () => {
    expect(textsOf('watari.cmd clu')).toEqual(['cluster']);
    expect(answers['watari clu']?.[0]?.tip).toMatch(/.{10}/);
  });

  it('leaves files to PowerShell where one is wanted', () => {
    expect(textsOf(FILE).join()).toContain('my cluster.yaml');
  });
});
