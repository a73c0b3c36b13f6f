// A schedule whose server is away at its time: what is too late is counted by the server and begun by nobody, and both
// the list of schedules and whoever tells people read that count.
import { setTimeout as delay } from 'node:timers/promises';
import { expect, inject, it } from 'vitest';
import { listSchedules } from '../../client/schedules/schedules.ts';
import type { TemporalServer } from '../../client/temporal-server/start.ts';
import { scheduleId } from '../../domain/names.ts';
import { connectTo, serverOnFile } from '../../proof/rig/servers.ts';
import { waitFor } from '../../proof/rig/waiting.ts';
import { runsSource } from '../../workers/people.ts';
import { endsWithTest, temporaryFolder } from '../support/ends.ts';

const ends = endsWithTest();
const ID = scheduleId('hv-lab', 'nights');
/** Temporal takes no less. */
const CATCH_UP_SECONDS = 10;

it('is told as missed when the server was away for longer than the schedule may be late', async () => {
  const folder = temporaryFolder('watari-missed-', ends);
  const { cliPath } = inject('temporal');
  let server: TemporalServer = await serverOnFile({ cliPath, folder });
  ends(() => server.stop());
  const before = await connectTo(server);
  await before.client.schedule.create({
    scheduleId: ID,
    spec: { intervals: [{ every: '2s' }] },
    action: {
      type: 'startWorkflow',
      workflowType: 'scheduledMaintenance',
      workflowId: ID,
      taskQueue: 'nobody',
    },
    policies: { overlap: 'SKIP', catchupWindow: CATCH_UP_SECONDS * 1000 },
  });
  await waitFor('a run to begin', async () => {
    const { info } = await before.client.schedule.getHandle(ID).describe();
    return info.numActionsTaken > 0;
  });
  await before.close();
  const port = Number(server.address.split(':')[1]);
  await server.stop();
  await delay((CATCH_UP_SECONDS + 5) * 1000);
  server = await serverOnFile({ cliPath, folder, port });
  const temporal = await connectTo(server);
  ends(temporal);
  const source = runsSource(temporal.client, 'hv-lab');
  const seen = await waitFor('the server to count', async () => {
    const [one] = await source.schedules();
    return one !== undefined && one.missed > 0 ? one : undefined;
  });
  expect(seen).toMatchObject({ schedule: ID });
  expect(seen.skipped).toBeGreaterThan(0);
  const [listed] = await listSchedules(temporal, 'hv-lab');
  expect(listed).toMatchObject({ schedule: 'nights', missed: seen.missed, on: null });
});
