// Completion for bash and zsh: which command the words before the cursor name, then what may follow. Pure.
import { placesOf, type Choice, type CompletionNode } from './tree.ts';

/** As one word of the shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

const pattern = (texts: readonly string[]): string => texts.map(quoted).join('|');

const commands = (tree: readonly CompletionNode[]): string[] =>
  tree.map(({ path }) => path).filter((path) => path !== '');

/** A case that cannot be empty, as a shell takes no empty pattern. */
const when = (texts: readonly string[], deed: string): string[] =>
  texts.length === 0 ? [] : [`    (${pattern(texts)}) ${deed} ;;`];

export function bashCompletion(tree: readonly CompletionNode[]): string {
  const list = (choices: readonly Choice[]): string => quoted(choices.map((c) => c.word).join(' '));
  return `# Completion of watari for bash:  source <(watari completion bash)
_watari() {
  local at='' next i words options IFS=$' \\t\\n'
  local current="\${COMP_WORDS[COMP_CWORD]}"
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="\${at:+$at }\${COMP_WORDS[i]}"
    case "$next" in
      (${pattern(commands(tree))}) at="$next" ;;
    esac
  done
  COMPREPLY=()
  case "$at \${COMP_WORDS[COMP_CWORD-1]}" in
${[
  ...when(
    placesOf(tree, (node) => node.paths),
    `compopt -o filenames 2>/dev/null; IFS=$'\\n'; COMPREPLY=($(compgen -f -- "$current")); return`,
  ),
  ...when(
    placesOf(tree, (node) => node.values),
    'return',
  ),
].join('\n')}
  esac
  case "$at" in
${tree.map((node) => `    (${quoted(node.path)}) words=${list(node.words)} options=${list(node.options)} ;;`).join('\n')}
  esac
  if [[ $current == -* || -z $words ]]; then words=$options; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _watari watari
`;
}

export function zshCompletion(tree: readonly CompletionNode[]): string {
  const list = (choices: readonly Choice[]): string =>
    choices.map(({ word, about }) => quoted(`${word.replaceAll(':', '\\:')}:${about}`)).join(' ');
  return `#compdef watari
# Completion of watari for zsh:  source <(watari completion zsh), or this file as _watari in a folder of $fpath.
_watari() {
  local at='' next i
  local -a found options
  for ((i = 2; i < CURRENT; i++)); do
    next="\${at:+$at }\${words[i]}"
    case "$next" in
      (${pattern(commands(tree))}) at="$next" ;;
    esac
  done
  case "$at \${words[CURRENT-1]}" in
${[
  ...when(
    placesOf(tree, (node) => node.paths),
    '_files; return',
  ),
  ...when(
    placesOf(tree, (node) => node.values),
    'return 1',
  ),
].join('\n')}
  esac
  case "$at" in
${tree.map((node) => `    (${quoted(node.path)}) found=(${list(node.words)}) options=(${list(node.options)}) ;;`).join('\n')}
  esac
  if [[ $PREFIX == -* || \${#found} -eq 0 ]]; then _describe -o option options; else _describe command found; fi
}
if [[ $funcstack[1] == _watari ]]; then _watari "$@"; else compdef _watari watari; fi
`;
}
