import type { Problem } from '../types';

/** What is wrong with one instance: of each input its own, and what is about none of them. */
export interface SortedProblems {
  byField: Record<string, string>;
  rest: Problem | null;
}

/** Put what the server said of the only instance to the inputs that it is about. */
export function sortProblems(problem: Problem, names: readonly string[]): SortedProblems {
  // Names may be the beginnings of others.
  const longestFirst = [...names].sort((a, b) => b.length - a.length);
  const byField: Record<string, string> = {};
  const left: string[] = [];
  for (const line of problem.problems ?? []) {
    const told = line.replace(/^instances\[0\]\./, '');
    const name = longestFirst.find(each => told.startsWith(each) && /^[\s:[.]/.test(told.slice(each.length)));
    if (name === undefined) {
      left.push(line);
    } else {
      byField[name] = [byField[name], sentence(told.slice(name.length))].filter(Boolean).join(' ');
    }
  }
  const isAllSorted = left.length === 0 && Object.keys(byField).length > 0;
  return { byField, rest: isAllSorted ? null : { ...problem, problems: left } };
}

function sentence(text: string): string {
  const words = text.replace(/^[\s:]+/, '').replace(/\.$/, '');
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}
