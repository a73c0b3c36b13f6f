// The acting operation about storage: drives of a node into maintenance mode and out of it.
import type { Act } from './acts.ts';
import { inCluster } from './reads.ts';
import { effect } from './records.ts';
import { quote, refused } from './refusal.ts';
import { awayIn, isDirect, repairing, reviewStorage } from './storage.ts';
import { findNode } from './world.ts';

/** Which code Windows gives is not known. */
const NOT_SAFE = 'StorageNotHealthy';

export const setStorageMaintenance: Act<'setStorageMaintenance'> = (asked, { node: name, on }) => {
  inCluster(asked);
  const { world } = asked;
  if (!isDirect(world)) return { facts: { changed: false }, cmdlets: [] };
  const node = findNode(world, name);
  if (node === undefined)
    throw refused(asked, `The storage of the cluster has no scale unit called '${name}'.`, {
      errorId: 'BadRequest',
    });
  if (world.storage.resting.has(node.name) === on)
    return { facts: { changed: false }, cmdlets: [] };
  if (on && (awayIn(world).some((other) => other !== node.name) || repairing(world)))
    throw refused(asked, `Data would lose its last copy if the drives of ${node.name} rested.`, {
      errorId: NOT_SAFE,
    });
  if (on) world.storage.resting.add(node.name);
  else world.storage.resting.delete(node.name);
  effect(world, node.name, on ? 'storage-resting' : 'storage-back', node.name);
  reviewStorage(world);
  const cmdlet = `${on ? 'Enable' : 'Disable'}-StorageMaintenanceMode`;
  return { facts: { changed: true }, cmdlets: [`${cmdlet} ${quote(node.name)}`] };
};
