// Lint rules. What style.md asks for and a machine can see is enforced here; tests/house/ holds the rest.
import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { bareNumbers } from './scripts/bare-numbers.mjs';
import { circles, layers } from './scripts/layers.mjs';

const PRODUCT = '{client,workflows,activities,hyperv,lab,workers,domain,config,proof}/**/*.ts';

const envOnlyInConfig = {
  object: 'process',
  property: 'env',
  message: 'config/ reads the environment; take what you need as an argument.',
};
const noChance = {
  object: 'Math',
  property: 'random',
  message: 'Every chance has a seed: take the generator as an argument.',
};
const noClock = { object: 'Date', property: 'now', message: 'Take the clock as an argument.' };

const PRIVATE_BY_WORD = {
  selector: 'PrivateIdentifier',
  message: 'Write private, as everywhere else.',
};

export default defineConfig(
  { ignores: ['dist/**', 'coverage/**', '.watari/**'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { watari: { rules: { layers, circles, 'bare-numbers': bareNumbers } } },
    rules: {
      // `x != null` is the short way to say: neither null nor undefined.
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      '@typescript-eslint/no-floating-promises': 'error',
      // A default says "all others, also those to come"; without one every case has to be there.
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-duplicate-imports': 'error',
      'watari/bare-numbers': 'error',
      // One way to keep a member to itself, and the one that the compiler takes away.
      'no-restricted-syntax': ['error', PRIVATE_BY_WORD],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      // A number in a message reads as it is; objects and undefined stay forbidden.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `for (;;)` and `while (true)` say what they mean.
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // `() => stop()` as a handler is idiomatic; the value is not used either way.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // Implementations of a port are async because the port is, whether they wait or not.
      '@typescript-eslint/require-await': 'off',
      // The API's enums come with five megabytes of generated code; where it is not loaded, their numbers are written.
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
      // A fake stream is a stream here: what counts is the shape.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // `_unused` is how a parameter that only holds a place is written.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
    },
  },
  {
    files: [PRODUCT],
    rules: {
      'watari/layers': 'error',
      'watari/circles': 'error',
      'max-lines': ['error', 400],
      'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['activities/**/*.ts'],
    // The factories there are lists of functions, each of them short.
    rules: { 'max-lines-per-function': 'off' },
  },
  {
    files: [PRODUCT],
    ignores: ['config/**'],
    rules: { 'no-restricted-properties': ['error', envOnlyInConfig] },
  },
  {
    files: ['domain/**/*.ts', 'lab/**/*.ts'],
    // The lab's process is where its clock and its seed come from.
    ignores: ['lab/main.ts', 'lab/machine/clock.ts'],
    rules: {
      'no-restricted-properties': ['error', envOnlyInConfig, noChance, noClock],
      'no-restricted-syntax': [
        'error',
        PRIVATE_BY_WORD,
        {
          selector: 'NewExpression[callee.name="Date"][arguments.length=0]',
          message: noClock.message,
        },
      ],
    },
  },
  {
    files: ['proof/sim/**/*.ts'],
    rules: {
      'no-restricted-properties': ['error', envOnlyInConfig, noChance],
    },
  },
  {
    files: ['workflows/**/*.ts'],
    // Signal and update handlers change state between two awaits; the checker believes that nothing does.
    rules: { '@typescript-eslint/no-unnecessary-condition': 'off' },
  },
  {
    files: ['tests/**/*.ts', 'proof/**/*.ts'],
    rules: {
      // A test that meets undefined fails, which is what it is for.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Fakes have parts that do nothing.
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        performance: 'readonly',
        Buffer: 'readonly',
      },
    },
  },
);
