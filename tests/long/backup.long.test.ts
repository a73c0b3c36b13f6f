// `watari server backup` and `restore` with the real server and real workers: what was in the middle goes on, and what
// happened since is found done.
import path from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { snapshotOfThisNode } from '../../client/temporal-server/backup.ts';
import type { TemporalServer } from '../../client/temporal-server/start.ts';
import type { RealCluster } from '../support/real-cluster.ts';
import { surviveRestore, type Restorable } from '../support/restore-story.ts';
import { serverOnFile } from '../../proof/rig/servers.ts';
import { killAll } from '../support/processes.ts';
import { endsWithAll, temporaryFolder } from '../support/ends.ts';

const ends = endsWithAll();
const folder = temporaryFolder('watari-backup-', ends);
ends(killAll);

async function typed(cluster: RealCluster, ...words: string[]): Promise<string> {
  const command = cluster.watari('server', ...words, '--db', path.join(folder, 'temporal.db'));
  const code = await command.ended;
  expect(code, command.stdout() + command.stderr()).toBe(0);
  return command.stdout();
}

describe('a restore of the embedded server', () => {
  it('lets runs go on from the older state, and nothing happens a second time', async () => {
    const { cliPath } = inject('temporal');
    const online = snapshotOfThisNode() !== null;
    const file = path.join(folder, 'backup.db');
    let server: TemporalServer = await serverOnFile({ cliPath, folder });
    const { address, namespace } = server;
    const again = async (): Promise<void> => {
      server = await serverOnFile({ cliPath, folder, port: Number(address.split(':')[1]) });
    };
    ends(() => server.stop());
    const restorable: Restorable = {
      address,
      namespace,
      backup: async (cluster) => {
        if (!online) await server.stop();
        expect(await typed(cluster, 'backup', file)).toContain(file);
        if (!online) await again();
      },
      restore: async (cluster) => {
        await server.stop();
        expect(await typed(cluster, 'restore', file, '--workers-stopped')).toContain('before');
        await again();
      },
    };
    await surviveRestore(restorable, 3);
  });
});
