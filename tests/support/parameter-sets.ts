// The parameter sets of Windows' cmdlets, and whether a call binds to one of them. The catalogue of the lab is held
// against installed modules by a test of its own, so it decides here; what it does not have, the documents decide.
import { documentedCmdlets } from '../../lab/powershell/catalogue.ts';
import { DOCUMENTED } from './evidence.ts';

export interface SetParameter {
  name: string;
  required: boolean;
  position: number | null;
  pipeline: readonly string[];
}

export interface Cmdlet {
  /** By the name of the set. */
  sets: ReadonlyMap<string, readonly SetParameter[]>;
  /** null: none is. */
  defaultSet: string | null;
  aliases: ReadonlyMap<string, string>;
  /** Whether more than the names of its parameters is known. */
  whole: boolean;
}

export interface BoundCall {
  cmdlet: string;
  /** Names that are given, also by position where the cmdlet is known whole. */
  given: readonly string[];
  /** Names that a splatted table may have. */
  perhaps: readonly string[];
  piped: boolean;
}

/** Every cmdlet has it. */
const COMMON = 'erroraction';

/** null: nothing is known of it. */
export function cmdletOf(name: string): Cmdlet | null {
  const lab = documentedCmdlets()[name];
  if (lab !== undefined) {
    const sets = lab.parameterSets.map((set): [string, SetParameter[]] => [
      set.name,
      set.parameters.map((one) => ({ ...one, pipeline: lab.pipeline[one.name] ?? [] })),
    ]);
    const aliases = Object.entries(lab.parameters).flatMap(([parameter, { aliases = [] }]) =>
      aliases.map((alias): [string, string] => [alias.toLowerCase(), parameter.toLowerCase()]),
    );
    return {
      sets: new Map(sets),
      defaultSet: lab.parameterSets.find((set) => set.default)?.name ?? null,
      aliases: new Map(aliases),
      whole: true,
    };
  }
  const documented = DOCUMENTED.get(name)?.sets;
  if (documented === undefined) return null;
  const sets = documented.map((names, i): [string, SetParameter[]] => [
    String(i),
    names.map((one) => ({ name: one, required: false, position: null, pipeline: [] })),
  ]);
  return { sets: new Map(sets), defaultSet: null, aliases: new Map(), whole: false };
}

/** Why this call binds to no set, or to more than one; null when it binds. */
export function unboundBecause(call: BoundCall): string | null {
  const cmdlet = cmdletOf(call.cmdlet);
  if (cmdlet === null) return `${call.cmdlet} is no cmdlet that we know`;
  const plain = (names: readonly string[]): string[] =>
    names
      .map((name) => name.toLowerCase())
      .filter((name) => name !== COMMON)
      .map((name) => cmdlet.aliases.get(name) ?? name);
  const given = plain(call.given);
  const inSet = (set: readonly SetParameter[], name: string): boolean =>
    set.some((one) => one.name.toLowerCase() === name);
  const sets = [...cmdlet.sets];
  const unknown = [...given, ...plain(call.perhaps)].filter(
    (name) => !sets.some(([, set]) => inSet(set, name)),
  );
  if (unknown.length > 0) return `${call.cmdlet} has no -${unknown.join(', -')}`;
  const together = sets.filter(([, set]) => given.every((name) => inSet(set, name)));
  const words = call.given.map((name) => ` -${name}`).join('');
  if (together.length === 0) return `${call.cmdlet} takes${words} not together`;
  // Which of a table's names are there, and what is behind names alone, only a run tells.
  if (!cmdlet.whole || call.perhaps.length > 0) return null;
  const takesPipeline = (one: SetParameter): boolean =>
    call.piped && one.pipeline.length > 0 && !given.includes(one.name.toLowerCase());
  const fed = together.filter(([, set]) => !call.piped || set.some(takesPipeline));
  if (fed.length === 0) return `${call.cmdlet}${words} takes nothing from the pipeline`;
  const complete = fed.filter(([, set]) =>
    set.every(
      (one) => !one.required || given.includes(one.name.toLowerCase()) || takesPipeline(one),
    ),
  );
  if (complete.length === 0) return `${call.cmdlet}${words} lacks what it cannot do without`;
  const one = complete.length === 1 || complete.some(([name]) => name === cmdlet.defaultSet);
  return one ? null : `${call.cmdlet}${words} may be ${complete.map(([name]) => name).join(', ')}`;
}
