// Our four search attributes must exist before the first run; whoever starts something makes sure of it, on any server
// that lets it. Where it is not allowed to, the start itself tells what is missing.
import { SEARCH_ATTRIBUTES } from '../../domain/names.ts';
import { grpcCodeOf, within, type Temporal } from './connection.ts';
import { ClientError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';

/** IndexedValueType of the API. */
const VALUE_TYPES = { KEYWORD: 2, BOOL: 5 } as const;
const TYPE_NAMES = { KEYWORD: 'Keyword', BOOL: 'Bool' } as const;

const ALREADY_EXISTS = 6;
const CALL_MS = 5_000;

export async function ensureSearchAttributes(temporal: Temporal): Promise<void> {
  const { connection, namespace } = temporal;
  const present = await readPresent(temporal);
  const names = Object.keys(SEARCH_ATTRIBUTES) as (keyof typeof SEARCH_ATTRIBUTES)[];
  const wrong = names.filter(
    (n) => present?.[n] !== undefined && present[n] !== VALUE_TYPES[SEARCH_ATTRIBUTES[n]],
  );
  if (wrong.length > 0) throw wrongType(wrong, namespace);
  const missing = names.filter((n) => present?.[n] === undefined);
  if (missing.length === 0) return;
  const searchAttributes = Object.fromEntries(
    missing.map((n) => [n, VALUE_TYPES[SEARCH_ATTRIBUTES[n]]]),
  );
  try {
    await within(connection, CALL_MS, () =>
      connection.operatorService.addSearchAttributes({ namespace, searchAttributes }),
    );
  } catch (err) {
    // Someone else was first, or we may not: the start that follows is the judge of whether they are there.
    if (grpcCodeOf(err) === null) throw err;
    if (grpcCodeOf(err) === ALREADY_EXISTS) return;
  }
}

/** null when this server does not let us look. */
async function readPresent(temporal: Temporal): Promise<Record<string, number> | null> {
  const { connection, namespace } = temporal;
  try {
    const answer = await within(connection, CALL_MS, () =>
      connection.operatorService.listSearchAttributes({ namespace }),
    );
    return answer.customAttributes;
  } catch (err) {
    if (grpcCodeOf(err) === null) throw err;
    return null;
  }
}

function wrongType(names: (keyof typeof SEARCH_ATTRIBUTES)[], namespace: string): ClientError {
  const wanted = names.map((n) => `${n} should be ${TYPE_NAMES[SEARCH_ATTRIBUTES[n]]}`).join(', ');
  return new ClientError({
    code: 'SearchAttributeType',
    message: `namespace "${namespace}" has search attributes of another type: ${wanted}`,
    hint: 'Use another namespace (TEMPORAL_NAMESPACE), or remove and create them anew.',
    exitCode: EXIT.failed,
  });
}

/** How to create by hand what the server did not let us create. */
export const createByHand = (namespace: string): string =>
  Object.entries(SEARCH_ATTRIBUTES)
    .map(([n, t]) => `--name ${n} --type ${TYPE_NAMES[t]}`)
    .reduce(
      (line, pair) => `${line} ${pair}`,
      `temporal operator search-attribute create -n ${namespace}`,
    );
