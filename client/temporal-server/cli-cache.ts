// Where a fetched Temporal CLI is kept, and the check that it is the one we mean: by the pinned sha256, or, where none
// is pinned, by the one that was seen first.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CLI_SHA256, CLI_VERSION, binaryName, machineKey, type Machine } from './release.ts';

export interface CliCache {
  /** Where the binary is or will be. */
  path: string;
  /** True when it is there and is the right one; false when there is none. Rejects when it is another one. */
  has(): Promise<boolean>;
  /** A new folder beside the binary, on the same disk. */
  makeDraft(): string;
  /** Checks a binary that lies in a draft and moves it into place. Safe while others do the same. */
  install(binary: string): Promise<void>;
}

export interface CliCacheOptions {
  /** watari's data folder. */
  dataDir: string;
  machine: Machine;
  /** By `<platform>-<arch>`; the pinned ones unless a test says otherwise. */
  sha256?: Readonly<Record<string, string>>;
}

export function cliCache(options: CliCacheOptions): CliCache {
  const key = machineKey(options.machine);
  const folder = path.join(options.dataDir, 'temporal-cli', CLI_VERSION, key);
  const target = path.join(folder, binaryName(options.machine));
  const recordFile = path.join(folder, 'first-seen.sha256');
  const pinned = (options.sha256 ?? CLI_SHA256)[key];
  const expected = (): string | null => pinned ?? readIfThere(recordFile);

  const check = async (binary: string): Promise<string> => {
    const actual = await sha256Of(binary);
    const wanted = expected();
    if (wanted !== null && wanted !== actual) {
      const source = pinned === undefined ? `first seen, ${recordFile}` : 'pinned';
      throw new Error(`its sha256 is ${actual}, not ${wanted} (${source})`);
    }
    return actual;
  };

  return {
    path: target,
    has: async () => {
      if (!fs.existsSync(target)) return false;
      await check(target);
      return true;
    },
    makeDraft: () => {
      fs.mkdirSync(folder, { recursive: true });
      return fs.mkdtempSync(path.join(folder, 'draft-'));
    },
    install: async (binary) => {
      const actual = await check(binary);
      // Before the binary is there: nobody must ever find one without the other.
      if (expected() === null) fs.writeFileSync(recordFile, actual);
      fs.chmodSync(binary, 0o755);
      try {
        fs.renameSync(binary, target);
      } catch (error) {
        // Windows does not replace a program that runs. Another start was faster: its binary must be as good.
        if (!fs.existsSync(target)) throw error;
        await check(target);
      }
    },
  };
}

const readIfThere = (file: string): string | null =>
  fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim() : null;

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(fs.createReadStream(file), hash);
  return hash.digest('hex');
}
