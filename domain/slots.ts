// Migration slots: a move takes one at each end, and the cluster's MaximumParallelMigrations is the limit per node
// (Set-VMHost documentation: the cluster property takes precedence over the host's).
import { GROUP_STATUS, type MovePhase, type RoleFacts } from './facts.ts';
import { sameName } from './names.ts';

const MOVING: readonly MovePhase[] = ['setup', 'data-transfer', 'moving-group', 'migrating'];

/**
 * Under way; `cancelled` and `failed` are over, though they stick. Where Windows does not tell, a group that is Pending
 * may well be moving: it is while it moves.
 */
export const isMoving = (role: RoleFacts): boolean =>
  MOVING.includes(role.move.phase) || (role.move.phase === 'unknown' && role.state === 'Pending');

/** The cluster accepted the move and has not begun it. */
export const isQueued = (role: RoleFacts): boolean =>
  (role.status & GROUP_STATUS.queuedForMove) !== 0;

/** A look that does not know where a move goes must not take it for one that goes elsewhere. */
const mayGoTo = ({ move }: RoleFacts, node: string): boolean =>
  move.target === null || sameName(move.target, node);

/** Names of the roles whose running move takes a slot at this node. */
export const slotHolders = (roles: RoleFacts[], node: string): string[] =>
  roles
    .filter(isMoving)
    .filter((r) => sameName(r.owner, node) || mayGoTo(r, node))
    .map((r) => r.name);

/** Below zero when somebody lowered the limit under running moves. */
export const freeSlots = (roles: RoleFacts[], node: string, limit: number): number =>
  limit - slotHolders(roles, node).length;

/** Names of the roles whose running or queued move goes to this node, or may: its target is not known. */
export const movesTo = (roles: RoleFacts[], node: string): string[] =>
  roles
    .filter((r) => isMoving(r) || isQueued(r))
    .filter((r) => !sameName(r.owner, node) && mayGoTo(r, node))
    .map((r) => r.name);
