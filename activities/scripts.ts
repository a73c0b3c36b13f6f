// A script of the administrator's own, run on the node that is being maintained: only what lies in the folder that the
// node's worker was started with. Whether it may be run twice nobody knows, so it is never tried again by itself.
import { cancellationSignal } from '@temporalio/activity';
import { includesName } from '../domain/names.ts';
import { listText } from '../domain/units.ts';
import { beating } from './beats.ts';
import type { ClusterActivityDeps } from './cluster.ts';
import { failed, guarded } from './failing.ts';

export interface ScriptResult {
  exitCode: number;
  /** The end of what it wrote. */
  output: string;
}

/** The allowed scripts of this node, see workers/scripts.ts. */
export interface Scripts {
  /** Names without `.ps1`. Empty when no folder is set. */
  names(): string[];
  /** Ends the process when it is aborted. */
  run(name: string, signal: AbortSignal): Promise<ScriptResult>;
}

export const createScriptActivities = (deps: ClusterActivityDeps & { scripts?: Scripts }) =>
  guarded({
    /** Answers only success: any other exit code is a failure with the end of the output. */
    runScript: ({ name }: { name: string }): Promise<ScriptResult> =>
      beating(deps, async () => {
        const node = deps.host.node;
        const allowed = deps.scripts?.names() ?? [];
        if (deps.scripts === undefined || !includesName(allowed, name)) {
          const known = allowed.length === 0 ? 'none is' : `allowed are ${listText(allowed)}`;
          throw failed(
            'ScriptNotAllowed',
            `${node} has no script ${name} that may be run; ${known}`,
          );
        }
        const result = await deps.scripts.run(name, cancellationSignal());
        if (result.exitCode === 0) return result;
        throw failed(
          'ScriptFailed',
          `${name} on ${node} ended with exit code ${result.exitCode}: ${result.output}`,
        );
      }),
  });
