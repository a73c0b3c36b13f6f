// The keys of payload encryption, as they stand in WATARI_ENCRYPTION_KEY or in the file of WATARI_ENCRYPTION_KEY_FILE.
// What is wrong with them is told without them.
import { createHash, createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { quoteValue } from '../../domain/quoting.ts';
import { environmentProblem, reasonOf, type ConfigProblem } from '../config-error.ts';
import type { Environment } from '../variables.ts';

export interface EncryptionKey {
  /** Stands beside everything that it encrypted, readable for all. */
  id: string;
  key: KeyObject;
}

const VARIABLE = 'WATARI_ENCRYPTION_KEY';
const FILE_VARIABLE = 'WATARI_ENCRYPTION_KEY_FILE';
const KEY_BYTES = 32;
/** 32 bytes in base64. */
const BASE64 = /^[A-Za-z0-9+/]{43}=$/;
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/;
const HINT =
  'write 32 bytes in base64, or ID:BASE64; watari codec new-key makes one. Several, one a line or with commas between: the first encrypts, all decrypt';

/** The first one encrypts, all decrypt; none: nothing is encrypted. Problems go into `problems`. */
export function readEncryptionKeys(
  env: Environment,
  readFile: (path: string) => unknown,
  problems: ConfigProblem[],
): EncryptionKey[] {
  const text = env[VARIABLE]?.trim() ?? '';
  const file = env[FILE_VARIABLE]?.trim() ?? '';
  if (text !== '' && file !== '') {
    problems.push(
      environmentProblem(VARIABLE, `is set together with ${FILE_VARIABLE}`, 'keep one of them'),
    );
    return [];
  }
  if (text !== '') return parseKeys(text, VARIABLE, problems);
  if (file === '') return [];
  try {
    const where = `${FILE_VARIABLE} (${file})`;
    const keys = parseKeys(String(readFile(file)), where, problems);
    // A file that was emptied must not turn encryption off in silence.
    if (keys.length === 0 && problems.length === 0) {
      problems.push(environmentProblem(where, 'has no key in it', HINT));
    }
    return keys;
  } catch (err) {
    const message = `the file ${quoteValue(file)} cannot be read (${reasonOf(err)})`;
    problems.push(environmentProblem(FILE_VARIABLE, message));
    return [];
  }
}

function parseKeys(text: string, where: string, problems: ConfigProblem[]): EncryptionKey[] {
  const keys: EncryptionKey[] = [];
  const entries = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.replace(/#.*$/, ''))
    .flatMap((line) => line.split(','))
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  entries.forEach((entry, index) => {
    const nth = entries.length === 1 ? 'its key' : `key ${index + 1} of ${entries.length}`;
    const colon = entry.indexOf(':');
    const base64 = entry.slice(colon + 1).trim();
    const given = colon < 0 ? null : entry.slice(0, colon).trim();
    if (given !== null && !ID.test(given)) {
      problems.push(environmentProblem(where, `${nth} has an id that is none`, HINT));
    } else if (!BASE64.test(base64)) {
      problems.push(environmentProblem(where, `${nth} is not 32 bytes in base64`, HINT));
    } else {
      const bytes = Buffer.from(base64, 'base64');
      const id = given ?? fingerprint(bytes);
      if (keys.some((known) => known.id === id)) {
        problems.push(environmentProblem(where, `two keys have the id ${id}`, 'rename one'));
      }
      keys.push({ id, key: createSecretKey(bytes) });
    }
  });
  return keys;
}

/** Tells keys apart and says nothing about them: 32 bits of a hash of 256 random bits. */
const fingerprint = (bytes: Buffer): string =>
  createHash('sha256').update(bytes).digest('hex').slice(0, 8);

/** A new key as a line for the file or the variable. */
export function newKeyLine(): string {
  const bytes = randomBytes(KEY_BYTES);
  return `${fingerprint(bytes)}:${bytes.toString('base64')}`;
}
