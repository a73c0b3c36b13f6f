// Writes docs/failures.md from the compiled table of failures: `npm run build && node scripts/failures-doc.mjs`.
// A test compares the page with the table, so nobody has to remember.
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';

const CLASSES = {
  retry: 'by itself, up to 12 times with growing pauses; then a person',
  'retry-then-operator': 'by itself, up to 4 times with growing pauses; then a person',
  operator: 'never by itself: a person at once',
  expected: 'not a failure: recorded as a warning',
};

const cell = (text) => text.replaceAll('|', '\\|');

function signs(row) {
  return [
    ...(row.hresults ?? []),
    ...(row.eventIds ?? []).map((id) => `event ${id}`),
    ...(row.errorIds ?? []),
  ].join(', ');
}

/** @param {Record<string, object>} failures the table `FAILURES` */
export function failuresPage(failures) {
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
          `| \`${code}\` | ${cell(row.title)} | ${cell(signs(row))} | ${row.class} | ${cell(row.hint)} |`,
      ),
    ].join('\n');
  const classes = Object.entries(CLASSES).map(([name, text]) => `- **${name}**: ${text}.`);
  return `# Failures

Generated from \`domain/failures.ts\` by \`scripts/failures-doc.mjs\`; change the table, not this page.

Every step that fails carries one of these codes, a sentence that says what happened to which object, and the hint
below. HRESULTs, event ids and error ids decide which code it is, never the text of a message: that is in the language
of Windows. How often a step is tried again by itself before a person is asked:

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
