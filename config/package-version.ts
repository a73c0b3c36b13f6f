// The version of this watari, from source and from dist/ alike: package.json is not compiled.
import fs from 'node:fs';

const COMPILED = !import.meta.url.endsWith('.ts');

export function packageVersion(): string {
  const file = new URL(COMPILED ? '../../package.json' : '../package.json', import.meta.url);
  const { version } = JSON.parse(fs.readFileSync(file, 'utf8')) as { version: string };
  return version;
}
