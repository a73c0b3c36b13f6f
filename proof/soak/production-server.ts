// The production set-up as the server of a soak: temporal-server killed, PostgreSQL crashed and stopped for a while.
import { connectTo } from '../rig/servers.ts';
import { sleep, waitFor } from '../rig/waiting.ts';
import type { StrikeKind } from './schedule.ts';
import type { SoakServer } from './servers.ts';
import { ProductionStack, type StackOptions } from '../production/stack.ts';

export async function startProduction(o: StackOptions): Promise<SoakServer> {
  const stack = await ProductionStack.start(o);
  const { address, namespace } = stack;
  const { versions } = o.programs;
  return {
    what: `temporal-server ${versions.server} with PostgreSQL ${versions.postgres.replace(/ .*/, '')}`,
    address,
    namespace,
    suffers: ['server', 'database-crash', 'database-outage'],
    strike: async (kind, awayMs) => {
      const since = Date.now();
      await strike(stack, kind, awayMs);
      await waitFor('Temporal to answer again', () => answers(stack), { everyMs: 200 });
      return Date.now() - since;
    },
    stop: () => stack.stop(),
  };
}

async function strike(stack: ProductionStack, kind: StrikeKind, awayMs: number): Promise<void> {
  if (kind === 'server') {
    await stack.server.stop('SIGKILL');
    await sleep(awayMs);
    await stack.startServer();
    return;
  }
  if (kind !== 'database-crash' && kind !== 'database-outage') {
    throw new Error(`the production set-up has no ${kind}`);
  }
  await stack.database.end(kind === 'database-crash' ? 'immediate' : 'fast');
  await sleep(awayMs);
  await stack.startDatabase();
}

/** A question that goes all the way to the database. */
async function answers(stack: ProductionStack): Promise<boolean> {
  const temporal = await connectTo(stack);
  try {
    await temporal.connection.withDeadline(Date.now() + 3_000, async () => {
      for await (const run of temporal.client.workflow.list({ pageSize: 1 })) {
        await temporal.client.workflow.getHandle(run.workflowId, run.runId).describe();
        break;
      }
    });
    return true;
  } finally {
    await temporal.close();
  }
}
