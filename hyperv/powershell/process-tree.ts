// Ends a process with everything that it started. node-powershell gives its shells no process group, so elsewhere than
// on Windows the tree is read from /proc.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/**
 * Work that was handed to a service (vmms, ClusSvc, WMI) goes on: only processes end. `systemRoot` is needed on
 * Windows only.
 */
export async function killTree(pid: number, systemRoot: string | null): Promise<void> {
  if (process.platform === 'win32') {
    await taskkill(pid, systemRoot ?? 'C:\\Windows');
    return;
  }
  // Children first, or a dying shell could start another one.
  for (const one of [...descendantsOf(pid).reverse(), pid]) kill(one);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

function taskkill(pid: number, systemRoot: string): Promise<void> {
  const program = path.win32.join(systemRoot, 'System32', 'taskkill.exe');
  return new Promise((resolve) => {
    // 128 says that it is gone already; nothing that could be said would change what happens next.
    execFile(program, ['/PID', String(pid), '/T', '/F'], { windowsHide: true }, () => resolve());
  });
}

/** Parents before their children; empty where there is no /proc. */
function descendantsOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const [child, parent] of parents()) {
    const siblings = children.get(parent) ?? [];
    siblings.push(child);
    children.set(parent, siblings);
  }
  const found: number[] = [];
  const queue = [pid];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const own = children.get(next) ?? [];
    found.push(...own);
    queue.push(...own);
  }
  return found;
}

function parents(): [number, number][] {
  let entries: string[];
  try {
    entries = fs.readdirSync('/proc');
  } catch {
    return [];
  }
  return entries
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name): [number, number][] => {
      try {
        // pid (name) state ppid …; the name may have spaces and parentheses.
        const stat = fs.readFileSync(`/proc/${name}/stat`, 'utf8');
        const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
        return [[Number(name), Number(parent)]];
      } catch {
        return [];
      }
    });
}
