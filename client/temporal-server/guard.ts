// Ends a server when its owner is gone, however the owner ended: a tiny process of its own holds the other end of a
// pipe, and the system closes that pipe even on kill -9.
import net from 'node:net';
import { spawn, type ChildProcess } from 'node:child_process';

/** SIGTERM lets the server write its last pages (1.3 s); what hangs longer is killed. */
export const STOP_GRACE_MS = 3_000;

// Inline, so that it is the same from source and from dist. It has to outlive Ctrl+C in the owner's terminal.
const SCRIPT = `
const pid = Number(process.argv[1]);
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK']) {
  try { process.on(name, () => {}); } catch {}
}
const signal = (name) => { try { process.kill(pid, name); return true; } catch { return false; } };
let ended = false;
function end() {
  if (ended) return;
  ended = true;
  if (!signal('SIGTERM')) process.exit(0);
  setTimeout(() => { signal('SIGKILL'); process.exit(0); }, ${STOP_GRACE_MS});
  setInterval(() => { if (!signal(0)) process.exit(0); }, 50);
}
process.stdin.on('end', end).on('error', end).on('close', end).resume();
`;

/** @returns how to call the guard off, once the server has ended. */
export function guardProcess(pid: number): { release(): void } {
  const guard: ChildProcess = spawn(process.execPath, ['-e', SCRIPT, String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    windowsHide: true,
  });
  guard.on('error', () => undefined);
  guard.stdin?.on('error', () => undefined);
  // Neither the guard nor its pipe may keep the owner alive.
  guard.unref();
  if (guard.stdin instanceof net.Socket) guard.stdin.unref();
  return { release: () => void guard.kill('SIGKILL') };
}
