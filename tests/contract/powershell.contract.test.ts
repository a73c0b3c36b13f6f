// The PowerShell implementation keeps the contract of the port: the product's module, run by a real engine, on the
// lab's stand-ins of the Windows modules.
import { afterAll, describe } from 'vitest';
import { describeHypervHost } from './hyperv-host.contract.ts';
import { powershellWorlds, type PowerShellWorlds } from './powershell-worlds.ts';
import { needs, POWERSHELL } from '../support/needs.ts';

describe('with a PowerShell', needs(POWERSHELL), () => {
  let worlds: PowerShellWorlds | null = null;
  afterAll(async () => worlds?.close());
  describeHypervHost('PowerShell on stand-ins of the Windows modules', (changes) =>
    (worlds ??= powershellWorlds()).make(changes),
  );
});
