import { useEffect, useId, useState } from 'react';

import type { Problem } from '../types';
import { useSettled } from './hooks';

interface Props {
  filter: string;
  problem: Problem | null;
  onFilter: (filter: string) => void;
}

/** Where jobs are filtered, in gcloud's filter language; what is wrong with a filter is shown below it. */
export function FilterBox({ filter, problem, onFilter }: Props) {
  const [text, setText] = useState(filter);
  const settled = useSettled(text, 300);
  const errorId = useId();
  // What only differs in spaces is what is being typed: `state=RUNNING ` before the next word.
  useEffect(() => setText(typed => (typed.trim() === filter ? typed : filter)), [filter]);
  useEffect(() => {
    if (settled === text && settled.trim() !== filter) {
      onFilter(settled.trim());
    }
    // Only what was typed counts: the filter also changes from elsewhere.
  }, [settled]);
  return (
    <div className="mlm-filter">
      <input
        type="search"
        data-mlm="filter"
        aria-label="Filter jobs"
        placeholder="Filter, such as name:taxi"
        spellCheck={false}
        autoComplete="off"
        value={text}
        aria-invalid={problem !== null}
        aria-describedby={problem === null ? undefined : errorId}
        onChange={event => setText(event.target.value)}
        onKeyDown={event => {
          if (event.nativeEvent.isComposing) {
            return;
          }
          if (event.key === 'Enter') {
            onFilter(text.trim());
          } else if (event.key === 'Escape' && text !== '') {
            setText('');
            onFilter('');
            event.stopPropagation();
          }
        }}
      />
      {problem !== null && <FilterProblem id={errorId} filter={filter} problem={problem} />}
    </div>
  );
}

function FilterProblem({ id, filter, problem }: { id: string; filter: string; problem: Problem }) {
  const [before, wrong, after] = marked(filter, problem.column);
  return (
    <div id={id} className="mlm-filter-error" data-mlm="filter-error" role="status">
      <div className="mlm-bad">{sentence(problem)}</div>
      {problem.column !== undefined && (
        <code>
          {before}
          <mark data-mlm="filter-mark">{wrong}</mark>
          {after}
        </code>
      )}
      {problem.problems?.map(line => (
        <div key={line}>{line}</div>
      ))}
      {problem.hint !== undefined && <div className="mlm-hint">{problem.hint}</div>}
    </div>
  );
}

/** Whether a list cannot be read for its filter, and for nothing else. */
export function isAboutFilter(problem: Problem, filter: string): boolean {
  return filter !== '' && (problem.column !== undefined || /^(the|a) filter\b/.test(problem.message));
}

/** The filter before the word that is wrong, that word, and the rest. Columns count characters, from 1. */
export function marked(filter: string, column: number | undefined): [string, string, string] {
  const characters = Array.from(filter);
  const start = Math.min(Math.max(0, (column ?? 1) - 1), characters.length);
  const rest = characters.slice(start).join('');
  const word = /^(?:[\w.*~-]+|"[^"]*"?|.)/u.exec(rest)?.[0] ?? '';
  return [characters.slice(0, start).join(''), word || ' ', rest.slice(word.length)];
}

/** The first line: the lines below it draw in characters what is marked here. */
function sentence(problem: Problem): string {
  const [line = ''] = problem.message.split('\n');
  const told = line.replace(/^the filter cannot be read: /, '');
  return told.charAt(0).toUpperCase() + told.slice(1);
}
