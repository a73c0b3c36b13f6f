// Registers watari's search attributes on whatever server this is: whoever starts first does it, the others find them.
import type { NativeConnection } from '@temporalio/worker';
// A CommonJS module whose exports Node cannot name: only the default import works outside of test runners.
import proto from '@temporalio/proto';
import { SEARCH_ATTRIBUTES } from '../domain/names.ts';

const { INDEXED_VALUE_TYPE_BOOL, INDEXED_VALUE_TYPE_KEYWORD } =
  proto.temporal.api.enums.v1.IndexedValueType;

export async function registerSearchAttributes(
  connection: NativeConnection,
  namespace: string,
  tell: (line: string) => void,
): Promise<void> {
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace,
    });
    const missing = Object.entries(SEARCH_ATTRIBUTES).filter(
      ([name]) => customAttributes[name] === undefined,
    );
    if (missing.length === 0) return;
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(
        missing.map(([name, type]) => [
          name,
          type === 'BOOL' ? INDEXED_VALUE_TYPE_BOOL : INDEXED_VALUE_TYPE_KEYWORD,
        ]),
      ),
    });
  } catch (err) {
    // Another process was first, or this identity may not: the first run says what is missing.
    tell(
      `search attributes were not registered: ${err instanceof Error ? err.message : String(err)}`,
    );
  }
}
