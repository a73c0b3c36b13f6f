// Writes docs/doctor.md from the compiled table of checks: `npm run build && node scripts/doctor-doc.mjs`. A test
// compares the page with the table, so nobody has to remember.
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';

const GROUPS = {
  workers: 'Workers',
  windows: 'Windows',
  account: 'The account',
  network: 'Between the nodes',
  cluster: 'The cluster',
  'hyper-v': 'Hyper-V',
  vms: 'Virtual machines',
};

const cell = (text) => (text ?? '').replaceAll('|', '\\|');

/** @param {readonly object[]} checks the table `CHECKS` */
export function doctorPage(checks) {
  const tables = Object.entries(GROUPS).map(([group, title]) => {
    const rows = checks
      .filter((check) => check.group === group)
      .map(
        ({ id, title, blocks, warns, source }) =>
          `| \`${id}\` | ${[title, blocks, warns, source].map(cell).join(' | ')} |`,
      );
    return [
      `### ${title}`,
      '',
      '| check | ok when | blocker when | warning when | known from |',
      '| --- | --- | --- | --- | --- |',
      ...rows,
    ].join('\n');
  });
  return `# The doctor

Generated from the checks in \`domain/\` by \`scripts/doctor-doc.mjs\`; change those, not this page.

\`\`\`sh
watari cluster doctor                 # with the cluster.yaml of this folder, if there is one
watari cluster doctor -c hv-lab       # without
watari cluster doctor --json          # for programs
\`\`\`

It looks at everything that a live migration or a restart would fail on, before it does: ${checks.length} checks, on all nodes
at once. It changes nothing, so run it whenever you like: before the first \`cluster apply\`, after every change of a
node, before maintenance. A worker that was started with \`--read-only\` serves it too.

| level | means | exit code |
| --- | --- | --- |
| blocker | a live migration or a restart **will** fail, or is not safe | 1 |
| warning | it **may** fail, or something else is wrong that should not be | 0 |
| ok | what was seen is as it should be | 0 |

Every blocker and every warning comes with what was seen and a block to paste into PowerShell on the node that it
names, as an administrator. What no command can do stands in the block as a comment (\`# ...\`), and words in capitals
(ADAPTER, NAME) are yours to fill in. Read a block before you paste it: some restart a node or switch a VM off, and say
so. What \`cluster apply\` mends by itself is a warning, and not a blocker, on nodes that your \`cluster.yaml\` names.

A node without a worker, or one that does not answer within 45 seconds, is a finding; the others are examined all the
same, and so is a cluster that does not answer. What could not be looked at is listed as *not checked*, never as ok.
Things that pass by themselves, such as a migration slot in use or a VM that is just starting, are no findings.

What cannot be read from the nodes is not in here: cables, switches between the hosts, the storage array, and whether
processors that look alike were set up alike in the firmware. The last proof is a live migration: \`prove\` in
[cluster.yaml](cluster-yaml.md).

The sign-in between nodes is a real one: each node is asked by one other, over WinRM, with the account of its worker. That
proves the name, the password, the trust and the rights in one go; what two nodes would say of each other follows from who
let whom in. It cannot lock an account: each node is asked once, not where one or two wrong sign-ins lock an account or
where Windows does not show how many do, and not again within the window of the lock after a refusal, which is told again
meanwhile. Nothing is stored, and no password is read.

How a cluster signs in Windows tells nowhere. It is taken for one with certificates where every node blocks NTLM, or where
WinRM answers on 5986 alone; what rests on an account and its password is then *not checked*. One look is offered and
never made: whether VMs that a local account created can be moved (0x80070534) only a live migration shows.

The shape of \`--json\` is the [DoctorReport](workflows.md#doctorreport) of the workflow behind it.

## The checks

${tables.join('\n\n')}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { CHECKS } = await import('../dist/domain/doctor/diagnose.js');
  fs.writeFileSync(new URL('../docs/doctor.md', import.meta.url), doctorPage(CHECKS));
}
