// Whether a file is where every node of the cluster can reach it: the first condition of a live
// migration.
import type { SharedVolumeFacts } from './facts.ts';

/** Default mount folder of cluster shared volumes. */
const CSV_FOLDER = /^[a-z]:\\ClusterStorage\\[^\\]+\\./i;
const UNC = /^\\\\[^\\?.]+\\[^\\]+\\./;

/** Windows takes both slashes; ours are compared in one. */
const native = (path: string): string => path.replaceAll('/', '\\');

/** The shared volume that holds the file, by the longest matching path. */
export function sharedVolumeOf(
  path: string,
  volumes: readonly SharedVolumeFacts[],
): SharedVolumeFacts | undefined {
  const file = native(path).toLowerCase();
  return volumes
    .filter((v) => file.startsWith(`${native(v.path).toLowerCase().replace(/\\+$/, '')}\\`))
    .sort((a, b) => b.path.length - a.path.length)[0];
}

/** On a cluster shared volume or an SMB share. Says nothing about whether the file exists. */
export function isSharedPath(path: string, volumes: readonly SharedVolumeFacts[]): boolean {
  const file = native(path);
  if (file.split('\\').includes('..')) return false;
  return CSV_FOLDER.test(file) || UNC.test(file) || sharedVolumeOf(path, volumes) !== undefined;
}
