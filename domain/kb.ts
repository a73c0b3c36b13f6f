// Names of articles in Microsoft's knowledge base, as people type them. Pure.

/** `KB5070001` of `5070001`, `kb5070001` and ` KB5070001 `; undefined when it is none. */
export function readKb(text: string): string | undefined {
  const digits = /^\s*(?:kb)?\s*(\d{6,8})\s*$/i.exec(text)?.[1];
  return digits === undefined ? undefined : `KB${digits}`;
}

/** The same for what Windows told, which is taken as it is when it is something else. */
export const normalizedKb = (text: string): string => readKb(text) ?? text.toUpperCase();
