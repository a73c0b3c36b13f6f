// The codes that commands fail with, in the source and on the page of the commands: scripts depend on these words.
import ts from 'typescript';
import { expect, it } from 'vitest';
import { isFailureCode } from '../../domain/failures.ts';
import { projectFiles, readProjectFile } from '../support/tree.ts';

const CODE = /^[A-Z][a-z]+(?:[A-Z][a-z]+)*$/;

/** Words in this piece of source; both ends of a choice. */
function wordsIn(node: ts.Node | undefined): string[] {
  if (node === undefined) return [];
  if (ts.isStringLiteral(node)) return [node.text];
  if (ts.isConditionalExpression(node)) return [node.whenTrue, node.whenFalse].flatMap(wordsIn);
  return [];
}

/** `code: 'X'` of an object, the last argument of `badInput`, the first of `new Failure`. */
function codesOf(node: ts.Node): string[] {
  const own =
    ts.isPropertyAssignment(node) && node.name.getText() === 'code'
      ? wordsIn(node.initializer)
      : ts.isCallExpression(node) && node.expression.getText() === 'badInput'
        ? wordsIn(node.arguments[2])
        : ts.isNewExpression(node) && node.expression.getText() === 'Failure'
          ? wordsIn(node.arguments?.[0])
          : [];
  const below: string[] = [];
  node.forEachChild((child) => {
    below.push(...codesOf(child));
  });
  return [...own, ...below];
}

it('docs/commands.md names every code that a command fails with', () => {
  const files = projectFiles().filter((f) => /^(client|lab)\/.*\.ts$/.test(f));
  const codes = new Set(
    files
      .flatMap((file) =>
        codesOf(ts.createSourceFile(file, readProjectFile(file), ts.ScriptTarget.Latest, true)),
      )
      .filter((code) => CODE.test(code) && !isFailureCode(code)),
  );
  expect(codes.size).toBeGreaterThan(40);
  const page = /\*\*Errors\*\*[\s\S]*?\n\n/.exec(readProjectFile('docs/commands.md'))?.[0] ?? '';
  expect([...codes].filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
});
