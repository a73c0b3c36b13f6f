// docs/workflows.md says what the types of inputs, results, messages and status say, and shows JSON that can be used.
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { runId, SEARCH_ATTRIBUTES, WORKFLOWS, type WorkflowName } from '../../domain/names.ts';
import { DEFAULT_BUDGETS, DEFAULT_MEMORY_RESERVE_BYTES } from '../../domain/spec.ts';

const read = (file: string): string =>
  readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const DOC = read('docs/workflows.md');

interface Field {
  name: string;
  optional: boolean;
}

/** Fields of every interface in some files, inherited ones too. */
function interfacesOf(files: string[]): Map<string, Field[]> {
  const declared = files.flatMap((file) =>
    ts
      .createSourceFile(file, read(file), ts.ScriptTarget.Latest)
      .statements.filter(ts.isInterfaceDeclaration),
  );
  const fieldsOf = (name: string): Field[] => {
    const found = declared.find((d) => d.name.text === name);
    if (found === undefined) throw new Error(`there is no interface ${name}`);
    const parents = (found.heritageClauses ?? [])
      .flatMap((clause) => [...clause.types])
      .flatMap((type) => (ts.isIdentifier(type.expression) ? [type.expression.text] : []));
    const own = found.members
      .filter(ts.isPropertySignature)
      .flatMap((member) =>
        ts.isIdentifier(member.name)
          ? [{ name: member.name.text, optional: member.questionToken !== undefined }]
          : [],
      );
    return [...parents.flatMap(fieldsOf), ...own];
  };
  return new Map(declared.map((d) => [d.name.text, fieldsOf(d.name.text)]));
}

const TYPES = interfacesOf([
  'domain/doctor/check.ts',
  'domain/doctor/diagnose.ts',
  'domain/spec.ts',
  'domain/status.ts',
  'domain/fleet/learned.ts',
  'workflows/apply-cluster.ts',
  'workflows/balance-cluster.ts',
  'workflows/drain-nodes.ts',
  'workflows/maintain-cluster.ts',
  'workflows/maintain-node.ts',
  'workflows/resume-nodes.ts',
  'workflows/survey-fleet.ts',
  'workflows/tune-cluster.ts',
  'workflows/create-vm.ts',
  'workflows/migrate-vm.ts',
  'workflows/prepare-node.ts',
]);
const fieldsOf = (type: string): Field[] => TYPES.get(type) ?? [];
const names = (fields: Field[]): string[] => fields.map((f) => f.name).sort();

/** What stands below a heading, up to the next one of any level. */
function section(heading: string): string {
  const escaped = heading.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^#{2,4} ${escaped}\\n([^]*?)(?=^#{2,4} |$(?![^]))`, 'm').exec(DOC)?.[1] ?? '';
}

/** Table rows below a heading that are about one field: its name to the other cells. */
const table = (heading: string): Map<string, string[]> =>
  new Map(
    [...section(heading).matchAll(/^\| `(\w+)` \|(.*)\|$/gm)].map(([, first = '', rest = '']) => [
      first,
      rest.split('|').map((cell) => cell.trim()),
    ]),
  );

const upper = (workflow: WorkflowName): string => workflow[0]!.toUpperCase() + workflow.slice(1);
const inputOf = (workflow: WorkflowName): string => `${upper(workflow)}Input`;

describe('docs/workflows.md', () => {
  const documented = [...DOC.matchAll(/^#### (\w+)$/gm)].map(([, name = '']) => name);

  it.each(WORKFLOWS)('documents %s, its input and its id', (workflow) => {
    expect(DOC).toMatch(new RegExp(`^### ${workflow}$`, 'm'));
    expect(documented).toContain(inputOf(workflow));
    const ids: Record<WorkflowName, string> = {
      applyCluster: runId.apply('<cluster>'),
      prepareNode: runId.prepare('<cluster>', '<node>'),
      createVm: runId.create('<cluster>', '<vm>'),
      migrateVm: runId.migrate('<cluster>', '<vm>'),
      inspectCluster: runId.inspect('<cluster>', '<nonce>'),
      scanUpdates: runId.scan('<cluster>', '<nonce>'),
      doctor: runId.doctor('<cluster>'),
      drainNodes: runId.campaign('<cluster>'),
      resumeNodes: runId.campaign('<cluster>'),
      maintainCluster: runId.campaign('<cluster>'),
      maintainNode: runId.maintain('<cluster>', '<node>'),
      scheduledMaintenance: runId.scheduled('<cluster>', '<schedule>', '<time>'),
      balanceCluster: runId.campaign('<cluster>'),
      tuneCluster: runId.campaign('<cluster>'),
      surveyFleet: runId.inspect('<cluster>', '<nonce>'),
    };
    expect(DOC).toContain(`| \`${workflow}\` | \`${ids[workflow]}\` |`);
  });

  it('documents the results and the shapes of messages', () => {
    const shapes = [...TYPES.keys()].filter((name) => /Result$|Status$/.test(name));
    expect(shapes.length).toBeGreaterThan(5);
    expect(documented).toEqual(
      expect.arrayContaining([
        ...shapes,
        'Decision',
        'DoctorReport',
        'Finding',
        'Progress',
        'StepFailure',
        'ClusterSpec',
      ]),
    );
  });

  it.each(documented)('has a row for every field of %s and no other', (type) => {
    const fields = fieldsOf(type);
    expect(fields).not.toEqual([]);
    expect([...table(type).keys()].sort()).toEqual(names(fields));
  });

  it('states the defaults that are used', () => {
    const budgets = table('Budgets');
    expect([...budgets.keys()].sort()).toEqual(names(fieldsOf('Budgets')));
    for (const [name, seconds] of Object.entries(DEFAULT_BUDGETS)) {
      expect(budgets.get(name)?.[0], name).toBe(String(seconds));
    }
    for (const type of documented) {
      const reserve = table(type).get('memoryReserveBytes');
      if (reserve === undefined || type === 'ClusterSpec') continue;
      expect(reserve[1], type).toBe(String(DEFAULT_MEMORY_RESERVE_BYTES));
    }
  });

  it('lists the search attributes with their types', () => {
    const listed = [...table('Search attributes')].map(([name, [type = '']]) => [
      name,
      type.toUpperCase(),
    ]);
    expect(Object.fromEntries(listed)).toEqual(SEARCH_ATTRIBUTES);
  });
});

describe('JSON in docs/workflows.md', () => {
  const parsed = (text: string): unknown => {
    try {
      return JSON.parse(text);
    } catch (err) {
      throw new Error(`not JSON: ${text}`, { cause: err });
    }
  };

  it('parses', () => {
    const blocks = [...DOC.matchAll(/```json\n([^]*?)```/g)].map(([, text = '']) => text);
    expect(blocks.length).toBeGreaterThan(9);
    blocks.forEach(parsed);
  });

  const commands = [...DOC.matchAll(/^temporal workflow .*$/gm)].map(([line]) => line);
  const typeOf = (line: string): string | undefined =>
    /--name decide/.test(line)
      ? 'Decision'
      : WORKFLOWS.filter((w) => line.includes(`--type ${w} `)).map(inputOf)[0];
  const inputs = [
    ...WORKFLOWS.flatMap((w) => {
      const body = DOC.split(/^### /m).find((part) => part.startsWith(`${w}\n`)) ?? '';
      const sample = [...body.matchAll(/```json\n([^]*?)```/g)][0]?.[1];
      return [{ type: inputOf(w), text: sample ?? '' }];
    }),
    { type: 'Decision', text: /```json\n([^]*?)```/.exec(section('Decision'))?.[1] ?? '' },
    ...commands.flatMap((line) => {
      const [, text] = /--input '([^']+)'/.exec(line) ?? [];
      return text === undefined ? [] : [{ type: typeOf(line) ?? '', text }];
    }),
  ];

  it.each(inputs)('is a $type: $text', ({ type, text }) => {
    const given = Object.keys(parsed(text) as object);
    const known = fieldsOf(type);
    expect(names(known)).toEqual(expect.arrayContaining(given));
    const required = known.filter((f) => !f.optional).map((f) => f.name);
    expect(given).toEqual(expect.arrayContaining(required));
  });

  it('starts every workflow with the temporal command', () => {
    for (const workflow of WORKFLOWS) {
      expect(
        commands.some((line) => line.includes(`--type ${workflow} `)),
        workflow,
      ).toBe(true);
    }
    for (const verb of ['query', 'update execute', 'signal', 'cancel', 'show']) {
      expect(
        commands.some((line) => line.startsWith(`temporal workflow ${verb} `)),
        verb,
      ).toBe(true);
    }
  });
});
