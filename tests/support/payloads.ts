// How large the values are that a history holds.

/** Bytes of each value below. Those of the simulator come from sandboxes, whose Uint8Array is another one than ours. */
export function payloadBytes(value: unknown): number[] {
  if (ArrayBuffer.isView(value)) return [value.byteLength];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(payloadBytes);
}
