// The way to Temporal: connects within three seconds or says why not, in words that name what was tried.
import { Client, Connection, isGrpcServiceError } from '@temporalio/client';
import { payloadHandling, type PayloadHandling } from '../../config/temporal/encryption.ts';
import type { TemporalConnection } from '../../config/temporal/connection.ts';
import { findMistake, type Mistake } from '../../config/temporal/mistakes.ts';
import { ClientError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { uiLinks, type UiLinks } from './ui-links.ts';

/** Where Temporal should be: what config/ read, and where its UI is when that was said. */
export interface TemporalTarget
  extends Omit<TemporalConnection, keyof PayloadHandling>, Partial<PayloadHandling> {
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
/** Who has not heard by then asks on the wire whether waiting is of any use. */
const DOUBT_MS = 250;

/** Without these the channel needs up to 11.5 s after the server is back; with them some milliseconds. */
const CHANNEL_ARGS = {
  'grpc.initial_reconnect_backoff_ms': 200,
  'grpc.max_reconnect_backoff_ms': 1000,
  'grpc.use_local_subchannel_pool': 1,
};

/** Of a target that says nothing about it. */
export const PLAIN = payloadHandling([]);

/**
 * @param identity what Temporal notes of who starts, decides and stops; its own words for this process unless given.
 */
export async function connect(target: TemporalTarget, identity?: string): Promise<Temporal> {
  const { namespace } = target;
  const connection = Connection.lazy({ ...target.connectionOptions, channelArgs: CHANNEL_ARGS });
  const answered = within(connection, REACH_MS, () =>
    connection.workflowService.describeNamespace({ namespace }),
  );
  try {
    await Promise.race([answered, untilMistake(target, answered)]);
  } catch (err) {
    await connection.close();
    throw err instanceof ClientError ? err : await whyNot(err, target);
  }
  return {
    connection,
    client: new Client({
      connection,
      namespace,
      ...(identity === undefined ? {} : { identity }),
      dataConverter: target.dataConverter ?? PLAIN.dataConverter,
    }),
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
      const mistake = await findMistake(target.connectionOptions);
      return mistake === null ? unreachable(target, reasonOf(err)) : mistaken(target, mistake);
    }
  }
}

/** Rejects once it is certain that waiting is of no use; the server's own answer comes first. */
async function untilMistake(target: TemporalTarget, answered: Promise<unknown>): Promise<never> {
  let timer: NodeJS.Timeout | undefined;
  const doubt = new Promise<'doubt'>((resolve) => {
    timer = setTimeout(() => {
      resolve('doubt');
    }, DOUBT_MS);
  });
  const settled = answered.catch(() => undefined);
  const first = await Promise.race([settled, doubt]);
  clearTimeout(timer);
  const mistake = first === 'doubt' ? await findMistake(target.connectionOptions) : null;
  if (mistake?.lasting === true) throw mistaken(target, mistake);
  return new Promise<never>(() => undefined);
}

function mistaken(target: TemporalTarget, mistake: Mistake): ClientError {
  if (!mistake.lasting) return unreachable(target, mistake.message);
  return new ClientError({
    code: 'TemporalTls',
    message: `Temporal does not talk to us (tried ${target.describe}): ${mistake.message}`,
    hint: mistake.hint,
    exitCode: EXIT.unreachable,
  });
}

const unreachable = (target: TemporalTarget, why: string): ClientError =>
  new ClientError({
    code: 'TemporalUnreachable',
    message: `Temporal is not reachable (tried ${target.describe}): ${why}`,
    hint: START_HINT,
    exitCode: EXIT.unreachable,
  });

const reasonOf = (err: unknown): string => {
  const cause = err instanceof Error && err.cause instanceof Error ? err.cause : err;
  return cause instanceof Error ? cause.message : String(cause);
};
