// Entry of the worker process that a lab starts for each of its nodes. On a real node Windows starts `watari worker
// start` instead.
import { parseArgs } from 'node:util';
import { ConfigError } from '../config/config-error.ts';
import { notifySettingsForWorker } from '../config/notify-file.ts';
import { nativeProblem } from '../config/native-part.ts';
import { WorkerRefused } from './refused.ts';

const USAGE =
  'Usage: main.js --cluster NAME --node NAME [--lab URL [--powershell FOLDER]] [--owned] [--allow LIST | --read-only]';

/** Exit codes as the watari command's: 2 is for what was typed. */
async function main(): Promise<number> {
  try {
    const { values } = parseArgs({
      options: {
        cluster: { type: 'string' },
        node: { type: 'string' },
        lab: { type: 'string' },
        powershell: { type: 'string' },
        owned: { type: 'boolean' },
        allow: { type: 'string' },
        'read-only': { type: 'boolean' },
      },
    });
    if (values.cluster === undefined || values.node === undefined) {
      throw new WorkerRefused(`A worker must know its cluster and its node. ${USAGE}`);
    }
    // Not loaded above: where its native part cannot be, this says why.
    const { startWorker } = await import('./node-worker.ts');
    const notify = notifySettingsForWorker((line) => process.stderr.write(`${line}\n`));
    await startWorker({
      ...(notify === undefined ? {} : { notify }),
      cluster: values.cluster,
      node: values.node,
      ...(values.lab === undefined ? {} : { labUrl: values.lab }),
      ...(values.powershell === undefined ? {} : { standIns: values.powershell }),
      ...(values.owned === undefined ? {} : { owned: values.owned }),
      policy: {
        ...(values.allow !== undefined && { allow: values.allow }),
        ...(values['read-only'] !== undefined && { readOnly: values['read-only'] }),
      },
    });
    return 0;
  } catch (err) {
    const native = nativeProblem(err);
    if (native !== null) {
      process.stderr.write(`${native.message}\n${native.hint}\n`);
      // At once: Node would tell it again, with a stack, for another module that waits for the same file.
      process.exit(1);
    }
    const expected =
      err instanceof WorkerRefused || err instanceof ConfigError || err instanceof TypeError;
    process.stderr.write(
      `${expected ? err.message : String(err instanceof Error ? err.stack : err)}\n`,
    );
    return expected ? 2 : 1;
  }
}

process.exitCode = await main();
