// The calls of cmdlets in a piece of PowerShell, found without a PowerShell: for tests of documents, which must say
// what is wrong on a machine that has none. Never for the module: that one is looked at by PowerShell itself
// (static.ps1).

export interface ScriptCall {
  name: string;
  /** As typed, without the dash. */
  parameters: string[];
}

const TOKEN =
  /@'\n[^]*?\n'@|@"\n[^]*?\n"@|'[^']*'|"(?:`[^]|[^"`])*"|(?<=^|[\s({;|])#[^\n]*|`\n|\n|[$@]?\(|@?\{|[)};|,=]|[^\s(){};|,='"]+/g;
const STARTS = /^([$@]?\(|@?\{|[;|=]|\n)$/;
const CMDLET = /^[A-Z]\w*-[A-Z]\w*$/;

/** In order of their appearance; what stands inside a text is none. */
export function callsIn(script: string): ScriptCall[] {
  const found: ScriptCall[] = [];
  /** The call that a parameter belongs to, of each bracket that is open. */
  const open: (ScriptCall | null)[] = [];
  let call: ScriptCall | null = null;
  let atStart = true;
  let before = '';
  for (const [token] of script.matchAll(TOKEN)) {
    if (token.startsWith('#') || token === '`\n') continue;
    if (token === '\n' && /^[,|]$/.test(before)) continue;
    before = token;
    if (/^([$@]?\(|@?\{)$/.test(token)) open.push(call);
    if (STARTS.test(token)) {
      call = null;
      atStart = true;
    } else if (token === ')' || token === '}') {
      call = open.pop() ?? null;
      atStart = false;
    } else if (atStart) {
      call = CMDLET.test(token) ? { name: token, parameters: [] } : null;
      if (call !== null) found.push(call);
      atStart = false;
    } else if (call !== null && /^-[A-Za-z]/.test(token)) {
      call.parameters.push(token.slice(1).replace(/:.*/, ''));
    }
  }
  return found;
}

/** The blocks of a document that are PowerShell. */
export const powerShellBlocks = (markdown: string): string[] =>
  [...markdown.matchAll(/^ *```powershell\n([^]*?)```/gm)].map(([, text = '']) => text);
