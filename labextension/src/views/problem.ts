import { asProblem } from '../client';
import { make } from './dom';

/** An error where it happened: what went wrong, all of it, and what to do next. */
export function problemNode(error: unknown): HTMLElement {
  const problem = asProblem(error);
  const node = make('div', { class: 'mlm-error', 'data-mlm': 'error', role: 'alert' }, problem.message);
  for (const line of problem.problems ?? []) {
    node.append(make('div', {}, line));
  }
  if (problem.hint) {
    node.append(make('div', { class: 'mlm-faint' }, problem.hint));
  }
  return node;
}
