// Completion for Windows PowerShell 5.1 and PowerShell 7. Pure.
import type { Choice, CompletionNode } from './tree.ts';

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const list = (choices: readonly Choice[]): string =>
  `@(${choices.map(({ word, about }) => `@(${quoted(word)}, ${quoted(about === '' ? word : about)})`).join(', ')})`;

/** A table in a table: `,` keeps PowerShell from opening a list of one. */
const table = (node: CompletionNode): string => {
  const values = [...node.paths, ...node.values].map(quoted).join(', ');
  const one = (choices: readonly Choice[]): string =>
    choices.length === 1 ? `@(,${list(choices).slice(2)}` : list(choices);
  return `        ${quoted(node.path)} = @{ Words = ${one(node.words)}; Options = ${one(node.options)}; Valued = @(${values}) }`;
};

export function powershellCompletion(tree: readonly CompletionNode[]): string {
  return `# Completion of watari for PowerShell, for your profile:  watari completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName watari -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $tree = @{
${tree.map(table).join('\n')}
    }
    $before = @($commandAst.CommandElements | Select-Object -Skip 1 |
            Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.Extent.Text })
    $at = ''
    foreach ($word in $before) {
        $next = "$at $word".Trim()
        if ($tree.ContainsKey($next)) { $at = $next }
    }
    $node = $tree[$at]
    # Without an answer PowerShell completes the names of files.
    if ($before.Count -gt 0 -and $node.Valued -ccontains $before[-1]) { return }
    $choices = $node.Words
    if ("$wordToComplete".StartsWith('-') -or $choices.Count -eq 0) { $choices = $node.Options }
    foreach ($choice in $choices) {
        if (-not $choice[0].StartsWith("$wordToComplete", [StringComparison]::OrdinalIgnoreCase)) { continue }
        $kind = if ($choice[0].StartsWith('-')) { 'ParameterName' } else { 'ParameterValue' }
        [System.Management.Automation.CompletionResult]::new($choice[0], $choice[0], $kind, $choice[1])
    }
}
`;
}
