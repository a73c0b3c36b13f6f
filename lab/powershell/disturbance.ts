// What a test can do to a cmdlet beside the faults of a scenario: noise on every stream, a crash of the shell, an
// answer that never comes, an error of any shape.
import { z } from 'zod';
import { sameName } from '../../domain/names.ts';
import type { CmdletReply } from './reply.ts';

export const disturbanceSchema = z.strictObject({
  /** Any cmdlet when absent. */
  cmdlet: z.string().exactOptional(),
  node: z.string().exactOptional(),
  times: z.int().positive().default(1),
  warnings: z.array(z.string()).exactOptional(),
  verbose: z.array(z.string()).exactOptional(),
  /** Write-Host. */
  host: z.array(z.string()).exactOptional(),
  /** Straight to the console, past PowerShell. */
  console: z.array(z.string()).exactOptional(),
  progress: z.string().exactOptional(),
  /** Kilobytes of text on the console. */
  flood: z.int().positive().exactOptional(),
  /** Ends the shell with this code. */
  exit: z.int().exactOptional(),
  /** Does it, and never answers. */
  hang: z.literal(true).exactOptional(),
  /** Fails like this instead of doing anything. */
  error: z
    .strictObject({
      fqid: z.string(),
      category: z.string().default('NotSpecified'),
      type: z.string().default('System.Exception'),
      message: z.string(),
      hresult: z.int().exactOptional(),
      native: z.int().exactOptional(),
      terminating: z.boolean().default(false),
    })
    .exactOptional(),
});
export type Disturbance = z.output<typeof disturbanceSchema>;

/** Takes the disturbance that this call runs into out of the list, once it has happened often enough. */
export function takeDisturbance(
  list: Disturbance[],
  node: string,
  cmdlet: string,
): Disturbance | null {
  const hit = list.find(
    (one) =>
      (one.cmdlet === undefined || sameName(one.cmdlet, cmdlet)) &&
      (one.node === undefined || sameName(one.node, node)),
  );
  if (hit === undefined) return null;
  hit.times -= 1;
  if (hit.times <= 0) list.splice(list.indexOf(hit), 1);
  return hit;
}

const FLOOD_LINE = 'x'.repeat(1023);

/** The answer with what the disturbance adds to it. */
export function disturbed(reply: CmdletReply, by: Disturbance | null): CmdletReply {
  if (by === null) return reply;
  const { warnings = [], verbose = [], host = [], console = [], progress, flood = 0, exit } = by;
  return {
    ...reply,
    warnings: [...(reply.warnings ?? []), ...warnings],
    verbose,
    host,
    console: [...console, ...Array.from({ length: flood }, () => FLOOD_LINE)],
    ...(progress !== undefined && { progress }),
    ...(exit !== undefined && { exit }),
  };
}
