// What Windows in Japanese calls things and says of failures, for a scenario with `culture: ja-JP`. Names, ids, codes
// and paths stay as they are; a sentence tells which object and which code, as nothing may depend on more.
import type { Scenario } from '../scenario/schema.ts';

type Cultured = Pick<Scenario, 'culture'>;

const isJapanese = ({ culture }: Cultured): boolean => culture === 'ja-JP';

/** What the cluster calls its own groups and resources, in the language of Windows when it was made. */
const OWN_NAMES: Readonly<Record<string, string>> = {
  'Cluster Group': 'クラスター グループ',
  'Available Storage': '使用可能な記憶域',
  'Cluster Name': 'クラスター名',
  'Cluster Disk 1': 'クラスター ディスク 1',
  'Cloud Witness': 'クラウド監視',
  'File Share Witness': 'ファイル共有監視',
};

export const ownName = (of: Cultured, english: string): string =>
  isJapanese(of) ? (OWN_NAMES[english] ?? english) : english;

/** The resource of a VM; anybody may change its name later. */
export const resourceName = (of: Cultured, vm: string): string =>
  isJapanese(of) ? `仮想マシン ${vm}` : `Virtual Machine ${vm}`;

export const configurationName = (of: Cultured, vm: string): string =>
  isJapanese(of) ? `仮想マシンの構成 ${vm}` : `Virtual Machine Configuration ${vm}`;

export const enabledWord = (of: Cultured): string => (isJapanese(of) ? '有効' : 'Enabled');

/** What Windows says, in its language. The objects are those in quotation marks, the code that in parentheses. */
export function said(of: Cultured, english: string): string {
  if (!isJapanese(of)) return english;
  const objects = english.match(/'[^'\n]*'|"[^"\n]*"/g) ?? [];
  const codes = english.match(/\(0x[0-9A-Fa-f]{8}\)/g) ?? [];
  const about = objects.length === 0 ? '' : `${objects.join('、')} の`;
  return `${about}操作を完了できませんでした${codes.join('')}。`;
}
