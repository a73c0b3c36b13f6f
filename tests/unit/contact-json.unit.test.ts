// hyperv/powershell/contact.json is what the evidence, the stand-ins and the module's source make of it, word for word.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { READ_OPS } from '../../hyperv/host.ts';
import { CMDLETS } from '../../lab/powershell/door.ts';
import { refusalsOfStandIns, seenOfStandIns } from '../../lab/powershell/shown.ts';
import { ROOT } from '../support/built-setup.ts';
import { CIM, RECORDINGS, TYPES } from '../support/evidence.ts';
// @ts-expect-error -- a plain script, written for Node without a build
import * as script from '../../scripts/contact-json.mjs';

const FOLDER = path.join(ROOT, 'hyperv', 'powershell');
const kit = (): string => fs.readFileSync(path.join(FOLDER, 'contact.ps1'), 'utf8');
const { contactPage, contactText, moduleSource, readingCmdlets, REFUSED } = script as {
  contactPage: (from: object) => object;
  contactText: (page: object) => string;
  moduleSource: (folder: URL) => string;
  readingCmdlets: (names: string[]) => string[];
  REFUSED: Parameters<typeof refusalsOfStandIns>[0];
};

it('contact.json is what evidence and stand-ins say (else run: npm run build && node scripts/contact-json.mjs)', async () => {
  const { seen } = await seenOfStandIns(readingCmdlets(Object.keys(CMDLETS)));
  const page = contactPage({
    types: Object.fromEntries(TYPES),
    cim: Object.fromEntries(CIM),
    recordings: Object.fromEntries(RECORDINGS),
    seen,
    refusals: await refusalsOfStandIns(REFUSED),
    source: moduleSource(pathToFileURL(`${FOLDER}${path.sep}`)),
  });
  expect(fs.readFileSync(path.join(FOLDER, 'contact.json'), 'utf8')).toBe(contactText(page));
});

it('every reading operation stands in the kit', () => {
  const [, port = ''] = /function Invoke-ContactPort \{([^]*?)\n\}/.exec(kit()) ?? [];
  expect(READ_OPS.filter((op) => !new RegExp(`\\b${op}\\b`).test(port))).toEqual([]);
});

it('every call that is to be refused stands in the kit as it is written there', () => {
  const text = kit();
  expect(Object.keys(REFUSED).filter((call) => !text.includes(`{ ${call} }`))).toEqual([]);
});
