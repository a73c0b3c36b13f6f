// Checks of the account that the workers run under: one local administrator with the same name on every node. Whether
// its password is the same as well is in sign-in.ts.
import type { AccountFacts, SetupFacts } from '../../facts.ts';
import { sameName } from '../../names.ts';
import { blocker, perNode, prose, quoted, warning, type Check, type Seen } from '../check.ts';
import { each, together, usual } from '../looks.ts';
import { unlessCertificates } from '../sign-ins.ts';
import { setups, type Of } from '../view.ts';

const WORKGROUP = 'Microsoft: create-workgroup-cluster';
/** Administrators, whatever Windows calls them in its language. */
const ADMINISTRATORS = 'S-1-5-32-544';

const administratorNamed = (s: SetupFacts, name: string): AccountFacts | undefined =>
  s.administrators.find((a) => sameName(a.name, name));

const makeAdministrator = (name: string): string =>
  `Add-LocalGroupMember -SID ${quoted(ADMINISTRATORS)} -Member ${quoted(name)}`;

const makeAccount = (name: string): string[] => [
  `$password = Read-Host 'The password that the other nodes have' -AsSecureString`,
  `New-LocalUser -Name ${quoted(name)} -Password $password -PasswordNeverExpires`,
  makeAdministrator(name),
];

function accountProblem(facts: SetupFacts, node: string): Seen | Seen[] {
  // Somebody always is: Windows did not show them.
  if (facts.administrators.length === 0) {
    const seen = 'Windows does not show who the local administrators are';
    return warning(node, seen, `Get-LocalGroupMember -SID ${quoted(ADMINISTRATORS)}`);
  }
  const { name, enabled } = facts.account;
  const listedThere = administratorNamed(facts, name);
  if (listedThere === undefined) {
    const seen = `${name}, the worker's account, is no local administrator`;
    return blocker(node, seen, makeAdministrator(name));
  }
  if (enabled && listedThere.enabled) return [];
  const seen = `${name}, the worker's account, is disabled`;
  return blocker(node, seen, `Enable-LocalUser -Name ${quoted(name)}`);
}

const kindOf = (builtIn: boolean): string =>
  builtIn ? 'the built-in Administrator' : 'not the built-in Administrator';

/** One name and one kind everywhere: the account of the most workers, against those of the others. */
function sameAccountProblems(all: Of<SetupFacts>[]): Seen[] {
  const accounts = all.map(({ facts }) => facts.account);
  const most = usual(accounts.map((a) => a.name.toLowerCase()));
  const name = accounts.find((a) => a.name.toLowerCase() === most)?.name ?? '';
  const builtIn = usual(accounts.filter((a) => sameName(a.name, name)).map((a) => a.builtIn));
  return all.flatMap(({ node, facts }) => {
    const { account } = facts;
    if (!sameName(account.name, name)) {
      const remedy = [
        ...(administratorNamed(facts, name) === undefined ? makeAccount(name) : []),
        prose(`Then run the worker of ${node} under ${name}.`),
      ];
      return blocker(node, `its worker runs under ${account.name}, others under ${name}`, remedy);
    }
    if (account.builtIn === builtIn) return [];
    const seen = `${account.name} is ${kindOf(account.builtIn)} there, and ${kindOf(!account.builtIn)} on the others`;
    return blocker(node, seen, prose('Use one account that is of the same kind on every node.'));
  });
}

export const losesRights = ({ account, policies }: SetupFacts): boolean =>
  !account.builtIn && policies.localAccountTokenFilterPolicy !== 1;

export const ACCOUNT_CHECKS: readonly Check[] = [
  {
    id: 'administrator',
    group: 'account',
    title: "The worker's account is an enabled local administrator",
    blocks: 'it is not',
    warns: 'Windows does not show who the local administrators are',
    source: WORKGROUP,
    look: each(setups, accountProblem, (all) => perNode(all, (s) => s.account.name)),
  },
  {
    id: 'elevated',
    group: 'account',
    title: 'Workers run with full administrator rights',
    blocks: 'a worker does not: it can look at hardly anything and change nothing',
    warns: null,
    source: 'Windows: User Account Control',
    look: each(
      setups,
      ({ account }, node, v) => {
        if (account.elevated) return [];
        const command = quoted(`watari worker start --cluster ${v.cluster}`);
        return blocker(node, 'its worker is not elevated', [
          prose('Run it as a service, or from an elevated PowerShell:'),
          `Start-Process powershell -Verb RunAs -ArgumentList '-NoExit', '-Command', ${command}`,
        ]);
      },
      'elevated everywhere',
    ),
  },
  {
    id: 'same-account',
    group: 'account',
    title: 'All workers run under the same account: name and kind',
    blocks: 'they do not',
    warns: null,
    source: 'Microsoft: live-migration-workgroup-cluster, create-workgroup-cluster',
    unless: unlessCertificates,
    look: together(setups, sameAccountProblems, ([first]) =>
      first === undefined
        ? ''
        : `${first.facts.account.name}, ${kindOf(first.facts.account.builtIn)}`,
    ),
  },
  {
    id: 'token-filter',
    group: 'account',
    title: 'The account keeps its rights when it comes over the network',
    blocks: 'it is not the built-in Administrator, and LocalAccountTokenFilterPolicy is not 1',
    warns: null,
    source: WORKGROUP,
    unless: unlessCertificates,
    look: each(
      setups,
      (facts, node) => {
        if (!losesRights(facts)) return [];
        const { account, policies } = facts;
        const value = policies.localAccountTokenFilterPolicy ?? 'not set';
        const key = `'HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System'`;
        return blocker(
          node,
          `LocalAccountTokenFilterPolicy is ${value}, and ${account.name} is not the built-in Administrator`,
          `New-ItemProperty ${key} -Name 'LocalAccountTokenFilterPolicy' -PropertyType DWord -Value 1 -Force`,
        );
      },
      '1, or the built-in Administrator',
    ),
  },
];
