// The PowerShell implementation keeps the contract of the port: the product's module, run by a real engine, on the
// lab's stand-ins of the Windows modules.
import { afterAll, describe } from 'vitest';
import { ENGINE } from '../support/engine.ts';
import { describeHypervHost } from './hyperv-host.contract.ts';
import { powershellWorlds, type PowerShellWorlds } from './powershell-worlds.ts';

describe.skipIf(ENGINE === null)('with a PowerShell', () => {
  let worlds: PowerShellWorlds | null = null;
  afterAll(async () => worlds?.close());
  describeHypervHost('PowerShell on stand-ins of the Windows modules', (changes) =>
    (worlds ??= powershellWorlds()).make(changes),
  );
});
