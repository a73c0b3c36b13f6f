// All workflows by their wire names: what the bundle is made of.
export { applyCluster } from './apply-cluster.ts';
export { balanceCluster } from './balance-cluster.ts';
export { createVm } from './create-vm.ts';
export { doctor } from './doctor.ts';
export { drainNodes } from './drain-nodes.ts';
export { inspectCluster } from './inspect-cluster.ts';
export { maintainCluster } from './maintain-cluster.ts';
export { maintainNode } from './maintain-node.ts';
export { migrateVm } from './migrate-vm.ts';
export { prepareNode } from './prepare-node.ts';
export { resumeNodes } from './resume-nodes.ts';
export { surveyFleet } from './survey-fleet.ts';
export { scheduleMoves } from './schedule-moves.ts';
export { tellPeople } from './tell-people.ts';
export { scheduledMaintenance } from './scheduled-maintenance.ts';
export { scanUpdates } from './scan-updates.ts';
export { tuneCluster } from './tune-cluster.ts';
