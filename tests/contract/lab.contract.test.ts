// The lab keeps the contract of the port, in-process and through its HTTP door.
import { describeHypervHost } from './hyperv-host.contract.ts';
import { inProcessWorld, loopbackWorld } from './lab-worlds.ts';

describeHypervHost('the lab in this process', inProcessWorld);
describeHypervHost('the lab behind its HTTP door', loopbackWorld);
