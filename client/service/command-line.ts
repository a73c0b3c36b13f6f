// Windows hands a program one string, and every program splits it by itself. These are the rules by which Node (the C
// runtime) and CommandLineToArgvW split: the Task Scheduler keeps arguments as such a string.

/**
 * One argument, quoted so that it arrives as it is. Rules: Microsoft, "Parsing C command-line arguments" and
 * CommandLineToArgvW (shellapi.h): 2n backslashes before a quote are n backslashes and the quote delimits, 2n+1 are n
 * backslashes and a quote; elsewhere a backslash is a backslash.
 */
export function quoteArgument(argument: string): string {
  if (argument !== '' && !/[\s"]/.test(argument)) return argument;
  const escaped = argument.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1');
  return `"${escaped}"`;
}

export const joinArguments = (list: readonly string[]): string => list.map(quoteArgument).join(' ');

/** What CommandLineToArgvW makes of the part after the program's name; `""` inside of quotes is left to others. */
export function splitArguments(text: string): string[] {
  const found: string[] = [];
  let current: string | null = null;
  let quoted = false;
  for (let i = 0; i < text.length;) {
    const slashes = /^\\*/.exec(text.slice(i))?.[0].length ?? 0;
    const char = text.charAt(i + slashes);
    i += slashes + 1;
    if (char === '"') {
      current = (current ?? '') + '\\'.repeat(Math.floor(slashes / 2));
      if (slashes % 2 === 1) current += '"';
      else quoted = !quoted;
    } else if (!quoted && (char === ' ' || char === '\t' || char === '')) {
      if (slashes > 0) current = (current ?? '') + '\\'.repeat(slashes);
      if (current !== null) found.push(current);
      current = null;
    } else {
      current = (current ?? '') + '\\'.repeat(slashes) + char;
    }
  }
  if (current !== null) found.push(current);
  return found;
}
