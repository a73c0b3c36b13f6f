// docs/lab.md names everything that a scenario can say and an effect can be.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { EFFECT_KINDS } from '../../lab/machine/records.ts';
import { parseScenario } from '../../lab/scenario/read.ts';
import { OPS } from '../../hyperv/host.ts';
import { WORLD_EVENTS } from '../../lab/scenario/fault-schema.ts';
import { scenarioSchema } from '../../lab/scenario/schema.ts';

const DOCS = fs.readFileSync(path.join(import.meta.dirname, '../../docs/lab.md'), 'utf8');

/** Every key of every object in the schema, however deep. */
function keysOf(schema: z.core.$ZodType): string[] {
  if (schema instanceof z.ZodObject)
    return Object.entries(schema.shape as Record<string, z.core.$ZodType>).flatMap(
      ([key, field]) => [key, ...keysOf(field)],
    );
  if (schema instanceof z.ZodArray) return keysOf(schema.element);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(keysOf);
  if (schema instanceof z.ZodPipe) return keysOf(schema.in);
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  )
    return keysOf(schema.unwrap());
  return [];
}

describe('docs/lab.md', () => {
  const keys = [...new Set(keysOf(scenarioSchema))];

  it('is compared with a schema that was really read', () => {
    for (const key of [
      'cluster',
      'bootSeconds',
      'dirtyRate',
      'hangSeconds',
      'percent',
      'smbFactor',
    ])
      expect(keys).toContain(key);
  });

  it.each(keys)('explains the key %s', (key) => {
    expect(DOCS).toMatch(new RegExp(`\`[^\`]*\\b${key}\\b[^\`]*\``));
  });

  it.each([...EFFECT_KINDS, ...WORLD_EVENTS, ...OPS])('names %s', (word) => {
    expect(DOCS).toContain(`\`${word}\``);
  });

  it('shows a scenario that can be used', () => {
    const [example] = /(?<=```yaml\n)cluster:[\s\S]*?(?=```)/.exec(DOCS) ?? [''];
    expect(parseScenario(example, 'docs/lab.md').nodes).toHaveLength(2);
  });

  it('shows faults that can be used', () => {
    const [faults] = /(?<=```yaml\n)faults:[\s\S]*?(?=```)/.exec(DOCS) ?? [''];
    const around = `cluster: c\nnodes:\n  - { name: HV1, memory: 8GB }\n  - { name: HV2, memory: 8GB }\ndisks: ['C:\\web-1.vhdx']\n`;
    expect(parseScenario(around + faults, 'docs/lab.md').faults).toHaveLength(4);
  });
});
