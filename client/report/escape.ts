// Text of anybody as text of an HTML or SVG document, in content and in attributes alike. Nothing else in report/ may
// put a value into markup.
import { shown } from './words.ts';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Characters that hide or steer are spelled out before: `\u202e`. */
export const escaped = (text: string): string =>
  shown(text).replace(/[&<>"']/g, (c) => ENTITIES[c] ?? '');

/** The same for Markdown, whose readers also take HTML. */
export const escapedMarkdown = (text: string): string =>
  shown(text)
    .replace(/[&<>]/g, (c) => ENTITIES[c] ?? '')
    .replace(/[\\`*_{}[\]#|!~$]/g, (c) => `\\${c}`);
