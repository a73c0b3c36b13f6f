// Storage Spaces Direct through PowerShell: classes of root/Microsoft/Windows/Storage, and the three cmdlets about
// fault domains.
import { HEALTHS } from '../../domain/storage-facts.ts';
import type { Asked } from '../machine/refusal.ts';
import { isDirect, storageFacts } from '../machine/storage.ts';
import { setStorageMaintenance } from '../machine/storage-acts.ts';
import { obey, objects, type Call, type Cmdlet, type Result } from './cmdlet.ts';
import { CIM_INSTANCE } from './windows-types.ts';
import { idOf, text, texts, uint64, type Wire, type WireObject } from './wire.ts';

type Values = Record<string, Wire>;

export const STORAGE = 'root/Microsoft/Windows/Storage';

export const virtualDisks = (asked: Asked): Values[] =>
  storageFacts(asked).virtualDisks.map(({ name, health }) => ({
    FriendlyName: text(name),
    HealthStatus: HEALTHS.indexOf(health),
  }));

/** The drives that are in no pool are one, too. */
export const storagePools = (asked: Asked): Values[] => [
  { FriendlyName: 'Primordial', HealthStatus: 0, IsPrimordial: true },
  ...storageFacts(asked).pools.map(({ name, health }) => ({
    FriendlyName: text(name),
    HealthStatus: HEALTHS.indexOf(health),
    IsPrimordial: false,
  })),
];

// CIM_ConcreteJob.JobState
const RUNNING = 4;
const SUSPENDED = 5;
const COMPLETED = 7;

/** One that is over stays a while. */
export const storageJobs = (asked: Asked): Values[] => [
  {
    Name: text('Optimize'),
    JobState: COMPLETED,
    BytesProcessed: uint64(1),
    BytesTotal: uint64(1),
  },
  ...storageFacts(asked).jobs.map(({ name, suspended, bytesDone, bytesTotal }) => ({
    Name: text(name),
    JobState: suspended ? SUSPENDED : RUNNING,
    BytesProcessed: uint64(bytesDone),
    BytesTotal: uint64(bytesTotal),
  })),
];

const scaleUnit = ({ world }: Asked, node: string): WireObject => ({
  $t: `${CIM_INSTANCE}#ROOT/Microsoft/Windows/Storage/MSFT_StorageScaleUnit`,
  base: CIM_INSTANCE,
  id: `scale-unit:${node}`,
  p: {
    FriendlyName: text(node),
    OperationalStatus: texts([world.storage.resting.has(node) ? 'In Maintenance Mode' : 'OK']),
  },
});

const getFaultDomain: Cmdlet = {
  takes: ['Type'],
  run: (call) =>
    objects(isDirect(call.world) ? call.world.nodes.map(({ name }) => scaleUnit(call, name)) : []),
};

function rest(call: Call, on: boolean): Result {
  const node = idOf('scale-unit', call.bound.refs('InputObject')[0]) ?? '';
  obey(call, () => setStorageMaintenance(call, { node, on }));
  return objects([]);
}

export const STORAGE_CMDLETS: Readonly<Record<string, Cmdlet>> = {
  'Get-StorageFaultDomain': getFaultDomain,
  'Enable-StorageMaintenanceMode': { takes: ['InputObject'], run: (call) => rest(call, true) },
  'Disable-StorageMaintenanceMode': { takes: ['InputObject'], run: (call) => rest(call, false) },
};
