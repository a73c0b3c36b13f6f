// The machine that the figures are of: a figure without it says little.
import os from 'node:os';

export interface MachineReport {
  cpu: string;
  cores: number;
  memoryGb: number;
  platform: string;
  node: string;
  /** null: not used. */
  temporalCli: string | null;
  /** Average number of busy cores over the last minute before the bench; 0 on Windows, which does not tell. */
  loadBefore: number;
}

export const machineReport = (): MachineReport => ({
  cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
  cores: os.availableParallelism(),
  memoryGb: Math.round(os.totalmem() / 1024 ** 3),
  platform: `${os.platform()} ${os.release()} ${os.arch()}`,
  node: process.version,
  temporalCli: null,
  loadBefore: Math.round((os.loadavg()[0] ?? 0) * 100) / 100,
});

export const machineLines = (m: MachineReport): string[] => [
  `${m.cpu}, ${m.cores} cores, ${m.memoryGb} GB, ${m.platform}`,
  `Node ${m.node}, ${m.temporalCli === null ? '' : `Temporal CLI ${m.temporalCli}, `}load ` +
    `before ${m.loadBefore.toFixed(2)}`,
];
