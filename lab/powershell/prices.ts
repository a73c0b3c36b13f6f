// What kind of call a cmdlet is to the lab's costs.
import type { Priced } from '../machine/costs.ts';
import { vmsOn } from '../machine/world.ts';
import { documentedCmdlets } from './catalogue.ts';
import type { Call } from './cmdlet.ts';

/** Cmdlets about all VMs of the node when nobody names one. */
const OF_ALL = /^Get-VM$/;

export function pricesOf({ world, node, cmdlet, bound }: Call): Priced[] {
  switch (documentedCmdlets()[cmdlet]?.module) {
    case 'FailoverClusters':
      return [{ kind: 'cluster' }];
    case 'Hyper-V': {
      const named = [
        ...['Id', 'Name', 'VMName'].flatMap((name) => bound.texts(name) ?? []),
        ...bound.refs('VM'),
      ];
      const all = named.length === 0 && OF_ALL.test(cmdlet);
      return [{ kind: 'hyperv', vms: all ? vmsOn(world, node.name).length : named.length }];
    }
    case 'ServerManager':
      return cmdlet === 'Get-WindowsFeature' ? [{ kind: 'features' }] : [];
    case 'Storage':
      return [{ kind: 'cim' }];
    case 'CimCmdlets': {
      const whole = bound.text('ClassName') === 'Win32_Processor' && !bound.has('Property');
      return [{ kind: whole ? 'processor' : 'cim' }];
    }
    default:
      return [];
  }
}
