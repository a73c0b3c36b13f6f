// Types of layers.mjs for the tests, which are TypeScript; ESLint itself loads plain JavaScript.
import type { ESLint } from 'eslint';

export interface Layer {
  folders: string[];
  typesOf?: string[];
  packages?: string[];
}

export const LAYERS: Readonly<Record<string, Layer>>;

export function whyNot(
  file: string,
  source: string,
  kind: 'value' | 'type' | 'dynamic',
): string | null;

export const layersPlugin: ESLint.Plugin;
