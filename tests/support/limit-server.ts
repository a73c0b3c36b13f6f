// The servers whose limits are provoked, and a worker for the workflows of limit-workflows.ts. Used by
// tests/long/temporal-limits.long.test.ts only. The server is the one that watari starts, with watari's flags.
import path from 'node:path';
import { heartbeat, sleep } from '@temporalio/activity';
import { Client, Connection } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import {
  bundleWorkflowCode,
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
} from '@temporalio/worker';
import { changedServer, connectTo } from '../../proof/rig/servers.ts';
import type { LimitActivities } from './limit-workflows.ts';
import type * as limitWorkflows from './limit-workflows.ts';

const QUEUE = 'limits';

// Every one of these tests makes worker and core complain on purpose.
Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: 'off', forward: {} } },
});

const activities: LimitActivities = {
  take: async (values) => values.length,
  give: async (chars) => 'x'.repeat(chars),
  fail: async (message) => {
    throw ApplicationFailure.retryable(message, 'Refused');
  },
  beat: async (chars) => {
    heartbeat('x'.repeat(chars));
    // Until the run has ended, which the next report finds out.
    for (;;) {
      await sleep(200);
      heartbeat('x'.repeat(chars));
    }
  },
};

export interface LimitWorld {
  /** Whose calls are repeated by the SDK as those of watari's commands are. */
  client: Client;
  /** Whose calls get the server's first answer. */
  bare: Client;
  /** Starts a workflow of limit-workflows.ts under an id of its own. */
  begin(
    workflow: keyof typeof limitWorkflows,
    ...args: unknown[]
  ): ReturnType<Client['workflow']['start']>;
  stop(): Promise<void>;
}

export async function limitWorld(at: { address: string; namespace: string }): Promise<LimitWorld> {
  const { address, namespace } = at;
  const { code } = await bundleWorkflowCode({
    workflowsPath: path.join(import.meta.dirname, 'limit-workflows.ts'),
    logger: new DefaultLogger('ERROR'),
  });
  const native = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection: native,
    namespace,
    taskQueue: QUEUE,
    workflowBundle: { code },
    activities,
    maxHeartbeatThrottleInterval: '200ms',
    debugMode: true,
  });
  const ended = worker.run();
  const connection = await Connection.connect({ address });
  const bare = await Connection.connect({ address, interceptors: [] });
  const client = new Client({ connection, namespace });
  let begun = 0;
  return {
    client,
    bare: new Client({ connection: bare, namespace }),
    begin: (workflow, ...args) => {
      begun += 1;
      const workflowId = `limits-${process.pid}-${begun}`;
      return client.workflow.start(workflow, { workflowId, taskQueue: QUEUE, args });
    },
    stop: async () => {
      worker.shutdown();
      await ended;
      await native.close();
      await connection.close();
      await bare.close();
    },
  };
}

export interface OwnLimitServer {
  client: Client;
  /** What the server has logged, warnings too. */
  log(): string;
  stop(): Promise<void>;
}

/** A second server that logs warnings, with some of its settings changed. */
export async function limitServer(cliPath: string, settings: string[]): Promise<OwnLimitServer> {
  const server = await changedServer(cliPath, null, (flags) => [
    ...flags.map((flag, i) => (flags[i - 1] === '--log-level' ? 'warn' : flag)),
    ...settings.flatMap((setting) => ['--dynamic-config-value', setting]),
  ]);
  const { connection } = await connectTo(server, server.program);
  const { program } = server;
  return {
    client: new Client({ connection, namespace: server.namespace }),
    log: () => program.stdout() + program.stderr(),
    stop: async () => {
      await connection.close();
      await server.stop();
    },
  };
}
