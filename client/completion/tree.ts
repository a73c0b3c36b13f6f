// The command line as a shell's completion needs it: for each command the words that may follow it. Read off the same
// tree that parses it, so that nothing is listed twice. Pure.
import type { Command, Option } from 'commander';

export interface Choice {
  word: string;
  /** One line of ASCII: what people see beside it, in consoles of every code page. */
  about: string;
}

export interface CompletionNode {
  /** `cluster plan`; empty for watari itself. */
  path: string;
  /** Subcommands, or what its argument may be. */
  words: Choice[];
  options: Choice[];
  /** Options, in each of their spellings, whose value is a file or a folder. */
  paths: string[];
  /** Those with any other value, which no completion knows. */
  values: string[];
}

const spellings = (option: Option): string[] =>
  [option.long, option.short].filter((flag) => flag != null);

const takesPath = (option: Option): boolean => /<(file|folder)>/.test(option.flags);

/** Every command, parents first. */
export function completionTree(command: Command, path = ''): CompletionNode[] {
  const options = command.createHelp().visibleOptions(command);
  const valued = options.filter((option) => option.required || option.optional);
  const node: CompletionNode = {
    path,
    words: [
      ...command.commands.map((one) => ({ word: one.name(), about: one.description() })),
      ...command.registeredArguments.flatMap((argument) =>
        (argument.argChoices ?? []).map((word) => ({ word, about: argument.description })),
      ),
    ],
    options: options.flatMap((option) =>
      spellings(option).map((word) => ({ word, about: option.description })),
    ),
    paths: valued.filter(takesPath).flatMap(spellings),
    values: valued.filter((option) => !takesPath(option)).flatMap(spellings),
  };
  const below = command.commands.flatMap((one) =>
    completionTree(one, path === '' ? one.name() : `${path} ${one.name()}`),
  );
  return [node, ...below];
}

/** `cluster plan --file`, for each option of each command that `pick` names. */
export const placesOf = (
  tree: readonly CompletionNode[],
  pick: (node: CompletionNode) => readonly string[],
): string[] => tree.flatMap((node) => pick(node).map((flag) => `${node.path} ${flag}`));
