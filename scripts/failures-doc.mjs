// Writes docs/failures.md from the compiled table of failures: `npm run build && node scripts/failures-doc.mjs`.
// A test compares the page with the table, so nobody has to remember.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const CLASSES = {
  retry: 'by itself, up to 12 times with growing pauses; then a person',
  'retry-then-operator': 'by itself, up to 4 times with growing pauses; then a person',
  operator: 'never by itself: a person at once',
  expected: 'not a failure: recorded as a warning',
};

const cell = (text) => text.replaceAll('|', '\\|');

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Where steps, activities and the port tell a code by its name; the table itself tells none. */
const TELLERS = ['activities', 'domain', 'hyperv', 'workflows'];

const sources = () =>
  TELLERS.flatMap((folder) =>
    fs
      .readdirSync(path.join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile() && /\.(ts|ps1)$/.test(file.name))
      .map((file) =>
        path.join(path.relative(ROOT, file.parentPath), file.name).replaceAll('\\', '/'),
      ),
  ).filter((file) => !file.startsWith('domain/failure-rows/'));

/** Code -> the files that tell it. Comparing with a code is not telling it. */
export function tellersOf(codes) {
  const texts = sources().map((file) => ({
    file,
    text: fs.readFileSync(path.join(ROOT, file), 'utf8').replace(/(?:[!=]==? |case )'\w+'/g, ''),
  }));
  return Object.fromEntries(
    codes.map((code) => [
      code,
      texts.filter(({ text }) => text.includes(`'${code}'`)).map(({ file }) => file),
    ]),
  );
}

export function signs(row, tellers) {
  const own = [
    ...(row.hresults ?? []),
    ...(row.alsoHresults ?? []).map((code) => `${code} too`),
    ...(row.eventIds ?? []).map((id) => `event ${id}`),
    ...(row.hintEventIds ?? []).map((id) => `event ${id} where nothing else is logged`),
    ...(row.errorIds ?? []),
  ];
  const told = tellers.length === 0 || own.length > 0 ? [] : [`told by ${tellers.join(', ')}`];
  return [...own, ...told].join(', ');
}

/** @param {Record<string, object>} failures the table `FAILURES` */
export function failuresPage(failures) {
  const tellers = tellersOf(Object.keys(failures));
  const entries = Object.entries(failures);
  const platform = entries
    .filter(([, row]) => row.row !== undefined)
    .sort(([, a], [, b]) => a.row - b.row);
  const own = entries
    .filter(([, row]) => row.row === undefined)
    .sort(([a], [b]) => a.localeCompare(b));
  const table = (rows) =>
    [
      '| code | what happened | seen as | tried again | what to do |',
      '| --- | --- | --- | --- | --- |',
      ...rows.map(
        ([code, row]) =>
          `| \`${code}\` | ${cell(row.title)} | ${cell(signs(row, tellers[code]))} | ${row.class} | ${cell(row.hint)} |`,
      ),
    ].join('\n');
  const classes = Object.entries(CLASSES).map(([name, text]) => `- **${name}**: ${text}.`);
  return `# Failures

Generated from \`domain/failures.ts\` by \`scripts/failures-doc.mjs\`; change the table, not this page.

Every step that fails carries one of these codes, a sentence that says what happened to which object, and the hint
below. HRESULTs, event ids and error ids decide which code it is, never the words of a message: they are in the language
of Windows. Hyper-V's own errors carry no HRESULT; of their text the digits in parentheses count. How often a step is tried again by itself before a person is asked:

${classes.join('\n')}

## Of the platform

${table(platform)}

## Of watari

${table(own)}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { FAILURES } = await import('../dist/domain/failures.js');
  fs.writeFileSync(new URL('../docs/failures.md', import.meta.url), failuresPage(FAILURES));
}
