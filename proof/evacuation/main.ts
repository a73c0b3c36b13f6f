// `npm run evacuate -- INSTANCE.json`: prints the plan that the product's planner makes for an instance of the
// evacuation benchmark, as JSON.
import fs from 'node:fs';
import { planMoves } from '../../domain/planner/plan.ts';
import { planJson, problemOf, type Instance } from './instance.ts';

const file = process.argv[2];
if (file === undefined) {
  process.stderr.write('usage: npm run evacuate -- INSTANCE.json\n');
  process.exit(2);
}
const instance = JSON.parse(fs.readFileSync(file, 'utf8')) as Instance;
process.stdout.write(`${JSON.stringify(planJson(instance, planMoves(problemOf(instance))))}\n`);
