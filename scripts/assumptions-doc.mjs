// Writes docs/assumptions.md from the compiled list of assumptions, after a build: `node scripts/assumptions-doc.mjs`.
// A test compares the page with the list, so nobody has to remember.
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';

const cell = (text) => text.replaceAll('|', '\\|');

/** @param {readonly { about: string, says: string, ifWrong: string }[]} assumptions the list `ASSUMPTIONS` */
export function assumptionsPage(assumptions) {
  return `# Assumptions about Windows

Generated from \`lab/powershell/assumptions.ts\` by \`scripts/assumptions-doc.mjs\`; change the list, not this page.

watari has not run on a real cluster yet. What its PowerShell reads and what the lab's stand-ins answer is held against
evidence of real machines (\`tests/evidence/\`: types, CIM classes and parameter sets of installed modules, recorded outputs);
a test fails where it contradicts. What no evidence tells is assumed, and this is all of it. Whoever has a cluster can
turn a line into a fact: [first-contact.md](first-contact.md).

| about | assumed | when it is wrong |
| --- | --- | --- |
${assumptions.map(({ about, says, ifWrong }) => `| \`${about}\` | ${cell(says)} | ${cell(ifWrong)} |`).join('\n')}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { ASSUMPTIONS } = await import('../dist/lab/powershell/assumptions.js');
  fs.writeFileSync(
    new URL('../docs/assumptions.md', import.meta.url),
    assumptionsPage(ASSUMPTIONS),
  );
}
