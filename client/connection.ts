// The way to Temporal: connects within three seconds or says why not, in words that name what was tried.
import { Client, Connection, isGrpcServiceError } from '@temporalio/client';
import type { TemporalConnection } from '../config/temporal-connection.ts';
import { ClientError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { uiLinks, type UiLinks } from './ui-links.ts';

/** Where Temporal should be: what config/ read, and where its UI is when that was said. */
export interface TemporalTarget extends TemporalConnection {
  /** WATARI_UI. */
  uiBase?: string | undefined;
}

export interface Temporal {
  client: Client;
  connection: Connection;
  namespace: string;
  target: TemporalTarget;
  links: UiLinks;
  close(): Promise<void>;
}

/** A server in the same building answers in milliseconds, one behind a bad line within a second. */
const REACH_MS = 3_000;

/** Without these the channel needs up to 11.5 s after the server is back; with them some milliseconds. */
const CHANNEL_ARGS = {
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 1000,
  'grpc.use_local_subchannel_pool': 1,
};

export async function connect(target: TemporalTarget): Promise<Temporal> {
  const { namespace } = target;
  const connection = Connection.lazy({ ...target.connectionOptions, channelArgs: CHANNEL_ARGS });
  try {
    await within(connection, REACH_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
  } catch (err) {
    await connection.close();
    throw await whyNot(err, target);
  }
  return {
    connection,
    client: new Client({ connection, namespace }),
    namespace,
    target,
    links: uiLinks({ address: target.connectionOptions.address, namespace, uiBase: target.uiBase }),
    close: () => connection.close(),
  };
}

/** Every call has a deadline: without one the client may wait forever. */
export function within<T>(connection: Connection, ms: number, call: () => Promise<T>): Promise<T> {
  return connection.withDeadline(Date.now() + ms, call);
}

/** gRPC status codes that we treat by name. */
const GRPC = { deadline: 4, notFound: 5, denied: 7, unavailable: 14, unauthenticated: 16 } as const;

/** The code of a gRPC error, also when the SDK wrapped it. */
export function grpcCodeOf(err: unknown): number | null {
  for (let e: unknown = err, depth = 0; e instanceof Error && depth < 5; e = e.cause, depth += 1) {
    if (isGrpcServiceError(e)) return e.code;
  }
  return null;
}

/** The server does not answer; the same call may succeed later. */
export function isOutage(err: unknown): boolean {
  const code = grpcCodeOf(err);
  return code === GRPC.unavailable || code === GRPC.deadline;
}

const START_HINT =
  'Start one here with:  watari server start\n' +
  'or name another one:  TEMPORAL_ADDRESS=host:port (and TEMPORAL_NAMESPACE, TEMPORAL_PROFILE)';

async function whyNot(err: unknown, target: TemporalTarget): Promise<ClientError> {
  const { address } = target.connectionOptions;
  const failed = (code: string, message: string, hint: string): ClientError =>
    new ClientError({ code, message, hint, exitCode: EXIT.unreachable, cause: err });
  switch (grpcCodeOf(err)) {
    case GRPC.notFound:
      return failed(
        'NamespaceNotFound',
        `Temporal at ${address} has no namespace "${target.namespace}"`,
        `Create it:  temporal operator namespace create -n ${target.namespace} --retention 30d` +
          ` --address ${address}\nor name another one with TEMPORAL_NAMESPACE`,
      );
    case GRPC.denied:
    case GRPC.unauthenticated:
      return failed(
        'TemporalRefused',
        `Temporal refused us (tried ${target.describe}): ${reasonOf(err)}`,
        'Check the API key or client certificate of the profile (TEMPORAL_API_KEY, TEMPORAL_TLS_*)',
      );
    default: {
      const cause = await askNative(target);
      return failed(
        'TemporalUnreachable',
        `Temporal is not reachable (tried ${target.describe}): ${cause ?? reasonOf(err)}`,
        START_HINT,
      );
    }
  }
}

const reasonOf = (err: unknown): string => {
  const cause = err instanceof Error && err.cause instanceof Error ? err.cause : err;
  return cause instanceof Error ? cause.message : String(cause);
};

/**
 * grpc-js does not tell TLS mistakes from silence; the worker's native connection does. Loading it costs half a second,
 * hence only once all is lost. null when it cannot be asked or has nothing to say.
 */
async function askNative(target: TemporalTarget): Promise<string | null> {
  try {
    const { NativeConnection, Runtime, DefaultLogger } = await import('@temporalio/worker');
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    const native = await NativeConnection.connect(target.connectionOptions);
    await native.close();
    return null;
  } catch (err) {
    return err instanceof Error ? innermost(err.message) : null;
  }
}

/** The Rust core nests its causes in one line; the reader needs the last part that is in words. */
function innermost(message: string): string {
  const invalid = /invalid peer certificate: [^"\n]+/.exec(message)?.[0];
  const alert = /received fatal alert: \w+/.exec(message)?.[0];
  const os = /(Connection refused|timed out|failed to lookup address[^"')]*)/i.exec(message)?.[0];
  return invalid ?? alert ?? os ?? message.replace(/\s+/g, ' ').slice(0, 300);
}
