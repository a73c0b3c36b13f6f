// The programs of the production set-up, as proof/production/obtain.mjs finds or builds them.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { z } from 'zod';
import { PACKAGE_ROOT } from '../../client/package-root.ts';

const foundSchema = z.object({
  server: z.string(),
  sqlTool: z.string(),
  ui: z.string(),
  uiConfig: z.string(),
  folder: z.string(),
  /** Folder of initdb, pg_ctl, postgres and so on. */
  postgres: z.string(),
  versions: z.object({ server: z.string(), ui: z.string(), postgres: z.string() }),
  builtInSeconds: z.record(z.string(), z.number()),
});
export type ProductionPrograms = z.infer<typeof foundSchema>;

/** Something cannot be had on this machine; the message says what, and what to do. */
export class NotAvailable extends Error {}

export async function obtainPrograms(say: (line: string) => void): Promise<ProductionPrograms> {
  const script = path.join(PACKAGE_ROOT, 'proof', 'production', 'obtain.mjs');
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'] });
  let found = '';
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (found += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    for (const line of text.trimEnd().split('\n')) say(line);
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new NotAvailable(said.trim());
  return foundSchema.parse(JSON.parse(found));
}
