// The YAML loader with schemas that cluster.yaml does not have: alternatives, records, literals.
import { expect, it } from 'vitest';
import { z } from 'zod';
import { ConfigError } from '../../config/config-error.ts';
import { loadYamlDocument, parseYamlDocument } from '../../config/yaml-document.ts';
import { needs, POSIX } from '../support/needs.ts';

const schema = z.strictObject({
  faults: z.array(
    z.discriminatedUnion('on', [
      z.strictObject({ on: z.literal('startMove'), vm: z.string() }),
      z.strictObject({
        on: z.literal('nodeCrash'),
        node: z.string(),
        after: z.number().optional(),
      }),
    ]),
  ),
  times: z.union([z.int(), z.literal('always')], 'write a number or always').optional(),
  limits: z.record(z.string(), z.strictObject({ maximum: z.number() })).optional(),
});

const messages = (text: string): string[] => {
  try {
    parseYamlDocument(text, 'f.yaml', schema);
    return [];
  } catch (err) {
    if (err instanceof ConfigError) return err.message.split('\n');
    throw err;
  }
};

it.each<[string, string, string[]]>([
  ['an alternative that fits', 'faults: [{ on: startMove, vm: a }]', []],
  [
    'a mistyped alternative',
    'faults: [{ on: starMove, vm: a }]',
    ['f.yaml:1:16 faults[0].on: "starMove" is not possible here; did you mean startMove?'],
  ],
  [
    'an alternative that is not named',
    'faults: [{ vm: a }]',
    ['f.yaml:1:10 faults[0].on: is missing; known here: startMove, nodeCrash'],
  ],
  [
    'a key of another alternative',
    'faults: [{ on: startMove, vm: a, after: 3 }]',
    ['f.yaml:1:34 faults[0].after: this key is not known; known here: on, vm'],
  ],
  [
    'a mistyped key of an alternative, told once',
    'faults: [{ on: nodeCrash, nod: a }]',
    ['f.yaml:1:27 faults[0].nod: this key is not known; did you mean node?'],
  ],
  [
    'a value of neither kind',
    'faults: []\ntimes: 1.5',
    ['f.yaml:2:8 times: must be a whole number, but is the number 1.5; write a number or always'],
  ],
  [
    'a mistyped key below a free one',
    'faults: []\nlimits: { web: { maxium: 3 } }',
    ['f.yaml:2:18 limits.web.maxium: this key is not known; did you mean maximum?'],
  ],
])('tells of %s', (_name, text, expected) => {
  expect(messages(text)).toEqual(expected);
});

it('reads no more than it needs of what never ends', needs(POSIX), () => {
  expect(() => loadYamlDocument('/dev/zero', schema)).toThrow('is larger than 1 MB');
});
