// The note about a demo that was left running with --keep: what runs, where, and how to end it.
import fs from 'node:fs';
import path from 'node:path';

export interface KeptDemo {
  cluster: string;
  startedAt: string;
  dir: string;
  server: { pid: number; address: string; uiUrl: string };
  lab: { pid: number; url: string };
}

const noteFile = (dataDir: string): string => path.join(dataDir, 'demo', 'state.json');

export function readKept(dataDir: string): KeptDemo | null {
  let text: string;
  try {
    text = fs.readFileSync(noteFile(dataDir), 'utf8');
  } catch {
    return null;
  }
  try {
    const kept: unknown = JSON.parse(text);
    return isKept(kept) ? kept : null;
  } catch {
    // Cut off by a crash or edited: nothing that could be ended safely.
    return null;
  }
}

function isKept(x: unknown): x is KeptDemo {
  if (typeof x !== 'object' || x === null) return false;
  const { server, lab } = x as { server?: { pid?: unknown }; lab?: { pid?: unknown } };
  return typeof server?.pid === 'number' && typeof lab?.pid === 'number';
}

export function writeKept(dataDir: string, kept: KeptDemo): void {
  fs.mkdirSync(path.dirname(noteFile(dataDir)), { recursive: true });
  fs.writeFileSync(noteFile(dataDir), `${JSON.stringify(kept, null, 2)}\n`);
}

export function forgetKept(dataDir: string): void {
  fs.rmSync(noteFile(dataDir), { force: true });
}

/** Asked at its own address: a process number may belong to someone else by now. */
export async function labAnswers(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/state`, { signal: AbortSignal.timeout(2_000) });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}

/** Asks a lab to end itself and its workers; works on every system, unlike signals. */
export async function askLabToStop(url: string): Promise<void> {
  try {
    const answer = await fetch(`${url}/control`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ action: 'stop' }),
      signal: AbortSignal.timeout(2_000),
    });
    await answer.body?.cancel();
  } catch {
    // It may be gone before it has answered.
  }
}

export async function serverAnswers(uiUrl: string): Promise<boolean> {
  try {
    const answer = await fetch(uiUrl, { signal: AbortSignal.timeout(2_000), redirect: 'manual' });
    await answer.body?.cancel();
    return true;
  } catch {
    return false;
  }
}
