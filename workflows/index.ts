// All workflows by their wire names: what the bundle is made of.
export { applyCluster } from './apply-cluster.ts';
export { createVm } from './create-vm.ts';
export { doctor } from './doctor.ts';
export { inspectCluster } from './inspect-cluster.ts';
export { migrateVm } from './migrate-vm.ts';
export { prepareNode } from './prepare-node.ts';
