// What the cluster tells but for its roles: those of a large cluster are too many for one message, and whoever asks for
// its state, its settings or its volumes does not want them.
import type { ClusterView } from '../domain/facts.ts';
import type { Calls } from './calls.ts';

/** With the roles that are on the move, as in every look. */
export const viewLightly = (calls: Calls, summary: string): Promise<ClusterView> =>
  calls.onCluster({ summary }).viewCluster({ about: '' });
