// The programs of the production set-up, as proof/production/obtain.mjs finds or builds them.
import path from 'node:path';
import { z } from 'zod';
import { PACKAGE_ROOT } from '../../client/package-root.ts';
import { startProgram } from '../rig/processes.ts';

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
  const looking = startProgram(process.execPath, [script]);
  looking.child.stderr?.on('data', (text: string) => {
    for (const line of text.trimEnd().split('\n')) say(line);
  });
  if ((await looking.ended) !== 0) throw new NotAvailable(looking.stderr().trim());
  return foundSchema.parse(JSON.parse(looking.stdout()));
}
