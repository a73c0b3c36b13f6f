// What Windows' codes mean to somebody who installs a worker: refusals of a registration, and how a task ended. Codes
// decide, never texts: those are in the language of Windows.
import type { TaskRefused } from '../../hyperv/service/worker-tasks.ts';
import { ClientError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';

/** Win32 errors as HRESULTs (winerror.h). */
const REFUSALS: Readonly<Record<string, { code: string; what: string; hint: string }>> = {
  '0x8007052E': {
    code: 'WrongPassword',
    what: 'the password is not the one of this account',
    hint: 'Run the command again. The password must be the same on every node.',
  },
  '0x80070534': {
    code: 'AccountMissing',
    what: 'Windows knows no such account',
    hint: 'Look at Get-LocalUser, and name it with --account.',
  },
  '0x80070005': {
    code: 'NotElevated',
    what: 'Windows denies it',
    hint: 'Open PowerShell with "Run as administrator" and run the command again.',
  },
  '0x80070569': {
    code: 'BatchLogonRefused',
    what: 'this account may not log on as a batch job, which is how tasks log on',
    hint: 'Local security policy (secpol.msc), User Rights Assignment, "Log on as a batch job": add Administrators, and\ntake the account out of "Deny log on as a batch job".',
  },
  '0x80070520': {
    code: 'PasswordStorageForbidden',
    what: 'Windows may not keep the password for the task',
    hint: 'Local security policy (secpol.msc), Security Options: set "Network access: Do not allow storage of passwords and\ncredentials for network authentication" to Disabled. Hardening guides enable it.',
  },
  '0x8007052F': {
    code: 'AccountRestricted',
    what: 'the account is restricted: an empty password, or hours in which it may not log on',
    hint: 'Give the account a password, the same on every node (Set-LocalUser).',
  },
  '0x80070532': {
    code: 'PasswordExpired',
    what: 'the password of this account has expired',
    hint: 'Set a new one on every node, and let it not expire:  Set-LocalUser -Name NAME -PasswordNeverExpires $true',
  },
  '0x80070773': {
    code: 'PasswordExpired',
    what: 'the password of this account must be changed first',
    hint: 'Log on with it once, or set a new one on every node (Set-LocalUser).',
  },
  '0x80070533': {
    code: 'AccountDisabled',
    what: 'the account is disabled',
    hint: 'Enable-LocalUser -Name NAME',
  },
  '0x80070775': {
    code: 'AccountLocked',
    what: 'the account is locked after too many wrong passwords',
    hint: 'Wait, or unlock it in Local Users and Groups (lusrmgr.msc).',
  },
};

/** Why a task could not be registered, as an error of ours. `tail`: what that leaves behind. */
export function refusalError(refused: TaskRefused, account: string, tail: string): ClientError {
  const { hresult } = refused;
  const known = hresult === null ? undefined : REFUSALS[hresult];
  const code = hresult === null ? '' : ` (${hresult})`;
  return new ClientError({
    code: known?.code ?? 'TaskRefused',
    message: `The worker could not be registered under ${account}: ${known?.what ?? refused.message}${code}. ${tail}`,
    hint: known?.hint ?? `Windows says: ${refused.message}`,
    exitCode: EXIT.failed,
    cause: refused,
  });
}

/** From "Task Scheduler error and success constants" and winerror.h; our own exit codes are those of commands.md. */
const RESULTS: Readonly<Record<string, string>> = {
  '0x00000000': 'it ended in good order',
  '0x00000001': 'it failed; its log says why',
  '0x00000002': 'its options or settings are wrong, or it was refused; its log says why',
  '0x00041300': 'it waits for its next start',
  '0x00041301': 'it runs now',
  '0x00041302': 'the task is disabled',
  '0x00041303': 'it has not been started yet',
  '0x00041306': 'somebody ended it in the Task Scheduler',
  '0x8004131F': 'a further start was not needed: it runs already',
  '0x800710E0': 'a further start was not needed: it runs already',
  '0x80070002': 'its program was not found: was Node.js or watari moved?',
  '0x80070003': 'its program or folder was not found: was Node.js or watari moved?',
  '0x8007052E': 'Windows could not log on: the password of the account has changed',
  '0x80070569': 'Windows could not log on: the account may not log on as a batch job',
  '0x8007010B': 'its working folder is not there',
  '0xC000013A': 'it was ended from outside (Ctrl+C or the end of a session)',
  '0x40010004': 'it was ended when Windows shut down',
};

export const resultInWords = (result: string): string =>
  RESULTS[result] ?? 'a code that watari does not know';
