// Whether a file is where every node of the cluster can reach it: the first condition of a live
// migration.
import type { SharedVolumeFacts } from './facts.ts';

/** Default mount folder of cluster shared volumes. */
const CSV_FOLDER = /^[a-z]:\\ClusterStorage\\[^\\]+\\./i;
/** A host by any of its names; `?` and `.` begin names of devices. */
const UNC = /^\\\\(?![?.]\\)([^\\]+)\\[^\\]+\\./;
/** Every node would look for it on itself. */
const THIS_HOST = /^(?:localhost|127\.[\d.]+|--1\.ipv6-literal\.net)$/i;

/** Windows takes both slashes, and `\\?\` before what it shall take literally; ours are compared without. */
export const nativePath = (path: string): string =>
  path
    .replaceAll('/', '\\')
    .replace(/^\\\\\?\\UNC\\/i, '\\\\')
    .replace(/^\\\\\?\\(?=[a-z]:\\)/i, '');

const climbs = (file: string): boolean => file.split('\\').includes('..');

/** Names one file, whatever its case, its slashes and its prefix. */
export const samePath = (a: string, b: string): boolean =>
  nativePath(a).toLowerCase() === nativePath(b).toLowerCase();

/** What a checkpoint of a disk is called in Hyper-V, which goes on writing there. */
const CHECKPOINT = /_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.a(vhdx?)$/i;

/** One of the disks is the file, or lies above it as a checkpoint. */
export const usesDisk = (disks: readonly string[], file: string): boolean =>
  disks.some((disk) => samePath(disk, file) || samePath(disk.replace(CHECKPOINT, '.$1'), file));

/** The shared volume that holds the file, by the longest matching path. */
export function sharedVolumeOf(
  path: string,
  volumes: readonly SharedVolumeFacts[],
): SharedVolumeFacts | undefined {
  const file = nativePath(path).toLowerCase();
  return volumes
    .filter((v) => file.startsWith(`${nativePath(v.path).toLowerCase().replace(/\\+$/, '')}\\`))
    .sort((a, b) => b.path.length - a.path.length)[0];
}

/** On an SMB file server, by whatever name or address its host is written. */
export function isOnShare(path: string): boolean {
  const file = nativePath(path);
  const host = UNC.exec(file)?.[1];
  return host !== undefined && !THIS_HOST.test(host) && !climbs(file);
}

/** On a cluster shared volume or an SMB share. Says nothing about whether the file exists. */
export function isSharedPath(path: string, volumes: readonly SharedVolumeFacts[]): boolean {
  const file = nativePath(path);
  if (climbs(file)) return false;
  return CSV_FOLDER.test(file) || isOnShare(path) || sharedVolumeOf(path, volumes) !== undefined;
}
