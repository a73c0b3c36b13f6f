// Errors of other layers as ours: configuration mistakes, a server that went away, what nobody thought of.
import { WorkflowNotFoundError } from '@temporalio/client';
import { quoteValue } from '../domain/quoting.ts';
import { ConfigError, reasonOf, type ConfigProblem } from '../config/config-error.ts';
import { nativeProblem } from '../config/native-part.ts';
import { EncryptionKeyProblem } from '../config/temporal/encryption.ts';
import { isOutage } from './temporal/connection.ts';
import { badInput, ClientError, type Problem } from './errors.ts';
import { EXIT } from './exit-codes.ts';

export function asClientError(err: unknown): ClientError {
  if (err instanceof ClientError) return err;
  if (err instanceof ConfigError) return fromConfig(err);
  if (isOutage(err)) {
    return new ClientError({
      code: 'TemporalUnreachable',
      message:
        'Temporal stopped answering; what runs goes on, and this command may or may not have had its effect',
      hint: 'Look again with:  watari run list',
      exitCode: EXIT.unreachable,
      cause: err,
    });
  }
  const keyProblem = inChain(err);
  if (keyProblem !== null) {
    return new ClientError({
      code: 'EncryptionKey',
      message: keyProblem.message,
      hint: 'Give this computer the keys that the workers have: WATARI_ENCRYPTION_KEY_FILE. A key that was\nreplaced stays in the file, below the new one, as long as runs of its time are kept.',
      exitCode: EXIT.badInput,
      cause: err,
    });
  }
  if (err instanceof WorkflowNotFoundError) {
    return badInput(
      `there is no run "${err.workflowId}" any more`,
      'Temporal keeps ended runs for the retention of their namespace only.\nSee those that are there:  watari run list --all',
      'RunNotFound',
    );
  }
  const native = nativeProblem(err);
  if (native !== null) return new ClientError({ ...native, exitCode: EXIT.failed, cause: err });
  const file = fileProblem(err);
  if (file !== null) return file;
  const message = err instanceof Error ? messageOf(err) : String(err);
  return new ClientError({
    code: 'Unexpected',
    message,
    hint: 'This is not a failure that watari knows. WATARI_DEBUG=1 shows where it comes from.',
    exitCode: EXIT.failed,
    cause: err,
  });
}

const OF_FILES = /^(ENOENT|EACCES|EPERM|EISDIR|ENOTDIR|EEXIST|ENAMETOOLONG|ENOSPC|EROFS|EBUSY)$/;

/** A file or folder that the system does not let us have; null for any other error. */
function fileProblem(err: unknown): ClientError | null {
  if (!(err instanceof Error && 'syscall' in err && 'code' in err)) return null;
  // One that was open already is not named.
  const named = 'path' in err ? quoteValue(String(err.path)) : null;
  if (named === null && !OF_FILES.test(String(err.code))) return null;
  return new ClientError({
    code: 'FileAccess',
    message: `${named ?? 'a file that was named'} cannot be used: ${reasonOf(err)}`,
    hint: 'Name another place, or see who may write there and how much room is left.',
    exitCode: EXIT.failed,
    cause: err,
  });
}

/** The SDK wraps what a codec throws in some places and not in others. */
function inChain(err: unknown): EncryptionKeyProblem | null {
  for (let e: unknown = err, depth = 0; e instanceof Error && depth < 5; e = e.cause, depth += 1) {
    if (e instanceof EncryptionKeyProblem) return e;
  }
  return null;
}

/** The SDK's own messages are general ("Failed to ..."); the cause says what it was. */
function messageOf(err: Error): string {
  const cause = err.cause instanceof Error ? err.cause.message : '';
  return cause === '' || err.message.includes(cause) ? err.message : `${err.message}: ${cause}`;
}

function fromConfig(err: ConfigError): ClientError {
  const problems = err.problems.map(problemOf);
  const [only] = err.problems;
  const base = { code: 'BadInput', problems, exitCode: EXIT.badInput, cause: err } as const;
  if (only !== undefined && problems.length === 1) {
    const { where = '', message } = problemOf({ ...only, hint: '' });
    return new ClientError({ ...base, message: `${where}: ${message}`, hint: only.hint ?? '' });
  }
  const files = [...new Set(err.problems.map((p) => p.file))].join(', ');
  return new ClientError({
    ...base,
    message: `${files}: ${problems.length} mistakes; nothing was changed`,
  });
}

function problemOf(p: ConfigProblem): Problem {
  const where = p.line > 0 ? `${p.file}:${p.line}:${p.column}` : p.file;
  const path = p.path === '' ? '' : `${p.path}: `;
  const hint = p.hint === undefined || p.hint === '' ? '' : `; ${p.hint}`;
  return { where, message: `${path}${p.message}${hint}` };
}
