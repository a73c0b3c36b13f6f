// docs/cluster-yaml.md says what the schema of cluster.yaml does.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { clusterFileSchema, parseClusterFile } from '../../config/cluster-file.ts';
import { ConfigError } from '../../config/config-error.ts';
import { formatDuration } from '../../config/sizes.ts';
import { DEFAULT_BUDGETS } from '../../domain/spec.ts';
import { GB } from '../support/snapshot-builder.ts';

const DOC = readFileSync(new URL('../../docs/cluster-yaml.md', import.meta.url), 'utf8');
const EXAMPLE = /```yaml\n([^]*?)```/.exec(DOC)?.[1] ?? '';

/** Rows of the table below a heading, by the key in their first cell. */
function table(heading: string): Map<string, string[]> {
  const section = DOC.split(/^##+ /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return new Map(
    [...section.matchAll(/^\| `(\w+)` \|(.*)\|$/gm)].map((m) => [
      m[1]!,
      m[2]!.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('`', '')),
    ]),
  );
}

/** The keys that the schema knows at a path, as JSON Schema tells them. */
function keys(...path: string[]): string[] {
  let node: unknown = z.toJSONSchema(clusterFileSchema, { io: 'input', unrepresentable: 'any' });
  const child = (key: string): unknown => (node as Record<string, unknown>)[key];
  for (const key of path) {
    node = child('properties');
    node = child(key);
    node = child('items') ?? node;
  }
  return Object.keys(child('properties') as object);
}

describe('docs/cluster-yaml.md', () => {
  it('has a table row for every key of the schema and no other', () => {
    expect([...table('Keys').keys()]).toEqual(keys());
    expect([...table('liveMigration').keys()]).toEqual(keys('liveMigration'));
    expect([...table('virtualMachines').keys()]).toEqual(keys('virtualMachines'));
    expect([...table('budgets').keys()]).toEqual(keys('budgets'));
  });

  it('has an example that is accepted and uses every key', () => {
    const spec = parseClusterFile(EXAMPLE, 'cluster.yaml');
    expect(spec.memoryReserveBytes).toBe(4 * GB);
    for (const key of [...keys(), ...keys('liveMigration'), ...keys('virtualMachines')]) {
      expect(EXAMPLE).toMatch(new RegExp(`\\b${key}:`));
    }
    for (const key of keys('budgets')) expect(EXAMPLE).toMatch(new RegExp(`\\b${key}:`));
  });

  it('states the defaults that a short file gets', () => {
    const spec = parseClusterFile('cluster: c1\nnodes: [A1, A2]', 'cluster.yaml');
    expect(spec.budgets).toEqual(DEFAULT_BUDGETS);
    for (const [key, cells] of table('budgets')) {
      const budgets = new Map<string, number>(Object.entries(spec.budgets));
      const seconds = budgets.get(`${key}Seconds`);
      expect(cells[1], key).toBe(formatDuration(seconds ?? NaN));
    }
    for (const [key, cells] of table('liveMigration')) {
      expect(cells[1], key).toBe(`${spec.liveMigration[key as keyof typeof spec.liveMigration]}`);
    }
    expect(table('Keys').get('memoryReserve')?.[1]).toBe('2GB');
  });

  it('states the limits of the budgets that are enforced', () => {
    const tries = (key: string, value: string): string => {
      try {
        parseClusterFile(`cluster: c1\nnodes: [A1, A2]\nbudgets: { ${key}: ${value} }`, 'x');
        return 'accepted';
      } catch (err) {
        if (err instanceof ConfigError) return err.message;
        throw err;
      }
    };
    for (const [key, cells] of table('budgets')) {
      const [min, max] = cells[2]!.split(' to ');
      expect(tries(key, min!)).toBe('accepted');
      expect(tries(key, max!)).toBe('accepted');
      expect(tries(key, '8d')).toContain(`must be between ${min!} and ${max!}`);
    }
  });

  it('shows messages that really come', () => {
    const shown = /```\n(cluster\.yaml:[^]*?)\n```/.exec(DOC)?.[1];
    const text = EXAMPLE.replace('[HV1, HV2, HV3]', '[HV1, HV_2, HV3]')
      .replace('10GB', '10 bananas')
      .replace('switch: LAN', 'swich: LAN');
    expect(() => parseClusterFile(text, 'cluster.yaml')).toThrow(
      expect.objectContaining({ message: shown }) as Error,
    );
  });
});
