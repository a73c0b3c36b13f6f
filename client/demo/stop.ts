// Ends a demo that was left running. Only what still answers at its own address is ended by its process number.
import process from 'node:process';
import type { Context } from '../context.ts';
import { askLabToStop, forgetKept, labAnswers, readKept, serverAnswers } from './kept.ts';

/** The lab ends its workers first. */
const POLITE_MS = 8_000;

/** Names of what was ended; empty when nothing was running. */
export async function stopKept(ctx: Context): Promise<string[]> {
  const kept = readKept(ctx.places.dataDir);
  if (kept === null) return [];
  const stopped: string[] = [];
  if (await labAnswers(kept.lab.url)) {
    await askLabToStop(kept.lab.url);
    await end(ctx, kept.lab.pid, () => undefined);
    stopped.push(`lab and workers (process ${kept.lab.pid})`);
  }
  if (await serverAnswers(kept.server.uiUrl)) {
    await end(ctx, kept.server.pid, () => signal(kept.server.pid, 'SIGTERM'));
    stopped.push(`Temporal server (process ${kept.server.pid})`);
  }
  forgetKept(ctx.places.dataDir);
  return stopped;
}

async function end(ctx: Context, pid: number, ask: () => unknown): Promise<void> {
  ask();
  const deadline = ctx.clock.elapsedMs() + POLITE_MS;
  while (isAlive(pid)) {
    if (ctx.clock.elapsedMs() > deadline) {
      signal(pid, 'SIGKILL');
      return;
    }
    await ctx.clock.sleep(50);
  }
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    // Gone already, which is what was wanted.
    return false;
  }
}

const isAlive = (pid: number): boolean => signal(pid, 0);
