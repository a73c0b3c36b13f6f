// `npm run production`: the services of docker-compose.yml without containers, until Ctrl+C. With --check it starts all
// of them, runs the jobs a second time, asks the server and the UI, applies the demo's cluster.yaml to the lab, and
// ends; exit code 3 where a part cannot be had.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { PACKAGE_ROOT } from '../../client/package-root.ts';
import { findCli } from '../rig/temporal-cli.ts';
import { whenInterrupted } from '../rig/waiting.ts';
import { connectTo } from '../rig/servers.ts';
import { readProcessEnvironment } from '../../config/process-environment.ts';
import { NotAvailable, obtainPrograms } from './programs.ts';
import { ProductionStack } from './stack.ts';

const EXIT_UNAVAILABLE = 3;
const DEMO_FILE = path.join(PACKAGE_ROOT, 'lab', 'scenarios', 'demo.cluster.yaml');

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** What must be there once everything is healthy. */
async function check(stack: ProductionStack): Promise<void> {
  for (const job of ['temporal-schema', 'temporal-namespace']) {
    const started = performance.now();
    await stack.job(job);
    say(`${job} again ${((performance.now() - started) / 1000).toFixed(2)} s`);
  }
  const { namespace, uiUrl } = stack;
  const temporal = await connectTo(stack);
  try {
    const { customAttributes } = await temporal.connection.operatorService.listSearchAttributes({
      namespace,
    });
    say(`search attributes ${Object.keys(customAttributes).sort().join(' ')}`);
  } finally {
    await temporal.close();
  }
  const namespaces = await fetch(`${uiUrl}/api/v1/namespaces`);
  if (!namespaces.ok) throw new Error(`the UI answers ${namespaces.status}`);
  say('the UI reaches the server');
  const started = performance.now();
  const { code, said } = await stack.watari(['cluster', 'apply', '-f', DEMO_FILE, '--yes']);
  if (code !== 0) throw new Error(`cluster apply ended with ${String(code)}: ${said.trim()}`);
  say(`cluster apply on the lab ${((performance.now() - started) / 1000).toFixed(2)} s`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
  const programs = await obtainPrograms(say);
  const { searchPath } = readProcessEnvironment();
  const cli = await findCli(say);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-production-'));
  const options = { programs, cliPath: cli.path, folder, searchPath, ui: true, lab: true, say };
  const stack = await ProductionStack.start(options).catch((err: unknown) => {
    say(`It did not start; what each part said: ${path.join(folder, 'logs')}`);
    throw err;
  });
  try {
    const { address, namespace, uiUrl } = stack;
    process.stdout.write(
      `Temporal   ${address}, namespace ${namespace}\nUI         ${uiUrl}\nLab        cluster hv-lab, logs ${folder}\n`,
    );
    if (values.check) {
      await check(stack);
      return 0;
    }
    // Nothing else keeps us while a service is away for a moment.
    const alive = setInterval(() => undefined, 60_000);
    await whenInterrupted().catch(() => undefined);
    clearInterval(alive);
    return 0;
  } finally {
    await stack.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await main();
} catch (err) {
  if (!(err instanceof NotAvailable)) throw err;
  process.exitCode = EXIT_UNAVAILABLE;
}
