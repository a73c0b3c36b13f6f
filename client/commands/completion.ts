// `watari completion`: a script that teaches a shell the commands and options of this very watari.
import { Argument, type Command } from 'commander';
import { bashCompletion, zshCompletion } from '../completion/posix.ts';
import { powershellCompletion } from '../completion/powershell.ts';
import { completionTree, type CompletionNode } from '../completion/tree.ts';
import { talk } from '../context.ts';
import type { Terminal } from '../terminal.ts';
import { leaf, type JsonOption } from './leaf.ts';

const SHELLS: Readonly<Record<string, (tree: readonly CompletionNode[]) => string>> = {
  powershell: powershellCompletion,
  bash: bashCompletion,
  zsh: zshCompletion,
};

export function addCompletionCommand(program: Command, terminal: Terminal): void {
  const shells = Object.keys(SHELLS);
  leaf(program, 'completion', 'print a script with which a shell completes what you type', [
    'watari completion powershell | Out-String | Invoke-Expression',
    'source <(watari completion bash)',
  ])
    .addArgument(new Argument('<shell>', 'the shell that the script is for').choices(shells))
    .action((shell: string, o: JsonOption) => {
      const script = SHELLS[shell]?.(completionTree(program)) ?? '';
      const said = talk(terminal, o.json === true);
      if (o.json === true) said.result({ shell, script });
      else terminal.stdout.write(script);
    });
}
