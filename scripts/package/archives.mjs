// The archives of a folder. The same files make the same archive: in one order, of one time, with one of two modes.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { zipSync } from 'fflate';
import { create } from 'tar';

/** The usual one: nobody should wait for the last hundredth. */
const LEVEL = 6;
/** As ZIP has no time zone, the local midnight; no file is from before 1980 in it. */
const TIME = new Date(2000, 0, 1);
/** Of the two modes; Windows has none. */
const UNIX = 3;

const modeOf = (name, programs) => (programs.includes(path.posix.basename(name)) ? 0o755 : 0o644);

/** Relative to `folder`, with `/`, in an order that no language changes. */
export const filesBelow = (folder) =>
  fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .map((file) => file.split(path.sep).join('/'))
    .sort();

function zip(folder, target, programs) {
  const entries = filesBelow(folder).map((name) => {
    const attrs = (0o100000 | modeOf(name, programs)) << 16;
    return [name, [fs.readFileSync(path.join(folder, name)), { attrs }]];
  });
  const options = { level: LEVEL, mtime: TIME, os: UNIX };
  fs.writeFileSync(target, zipSync(Object.fromEntries(entries), options));
}

async function tarGz(folder, target, programs) {
  const filter = (name, stat) => {
    stat.mode = (stat.mode & ~0o777) | modeOf(name, programs);
    return true;
  };
  const mtime = new Date(Date.UTC(2000, 0, 1));
  const options = { file: target, cwd: folder, portable: true, mtime, gzip: { level: LEVEL } };
  await create({ ...options, filter }, filesBelow(folder));
}

/** @param programs base names of what may be started. */
export const pack = (kind, folder, target, programs) =>
  (kind === 'zip' ? zip : tarGz)(folder, target, programs);

/** A line of SHA256SUMS, as sha256sum reads it. */
export const sumLine = (file) =>
  `${createHash('sha256').update(fs.readFileSync(file)).digest('hex')}  ${path.basename(file)}\n`;
