// An ESLint rule: `${count}` and not `${String(count)}`, where the type is a number's. One way to write what stands in
// hundreds of messages; --fix writes it.
import ts from 'typescript';

const isNumber = (type) =>
  (type.isUnion() ? type.types : [type]).every(
    (part) => (part.flags & ts.TypeFlags.NumberLike) !== 0,
  );

export const bareNumbers = {
  meta: {
    type: 'suggestion',
    fixable: 'code',
    schema: [],
    messages: { bare: 'A number stands bare in a template: ${{{text}}}' },
  },
  create(context) {
    const services = context.sourceCode.parserServices;
    return {
      'TemplateLiteral > CallExpression[callee.name="String"][arguments.length=1]'(node) {
        const [value] = node.arguments;
        if (!isNumber(services.getTypeAtLocation(value))) return;
        const text = context.sourceCode.getText(value);
        context.report({
          node,
          messageId: 'bare',
          data: { text },
          fix: (fixer) => fixer.replaceText(node, text),
        });
      },
    };
  },
};
