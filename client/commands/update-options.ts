// The options by which a person chooses among the updates of Windows: the same for a scan and for a maintenance.
import type { Command } from 'commander';
import { readKb } from '../../domain/kb.ts';
import type { UpdateChoice } from '../../domain/updates.ts';
import { badInput } from '../errors.ts';

export interface UpdateOptions {
  query?: string;
  kb?: string[];
  notKb?: string[];
  acceptEula?: boolean;
}

export const addUpdateOptions = (command: Command): Command =>
  command
    .option('--query <criteria>', 'criteria of the search, as IUpdateSearcher.Search takes them')
    .option('--kb <kb>', 'only this article; may be given several times', addKb)
    .option('--not-kb <kb>', 'not this article; may be given several times', addKb)
    .option('--accept-eula', 'accept the licence terms of updates, for all nodes');

function addKb(text: string, before: string[] = []): string[] {
  const kbs = text.split(',').map((part) => {
    const kb = readKb(part);
    if (kb === undefined)
      throw badInput(`"${part}" is no article`, 'An article is written like KB5070001.', 'Usage');
    return kb;
  });
  return [...before, ...kbs];
}

export const choiceOf = (o: UpdateOptions): UpdateChoice => ({
  ...(o.query === undefined ? {} : { query: o.query }),
  ...(o.kb && { kbs: o.kb }),
  ...(o.notKb && { notKbs: o.notKb }),
  ...(o.acceptEula === true ? { acceptEula: true } : {}),
});
