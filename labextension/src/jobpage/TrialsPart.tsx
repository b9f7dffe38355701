import { useMemo, useState } from 'react';

import { ProblemBox } from '../panel/Notice';
import { sign } from '../panel/states';
import type { IPanels } from '../tokens';
import type { StudyReport } from '../types';
import { Empty } from './Notices';
import type { PageData } from './pagedata';
import { sortedRows, trialTable, type TrialRow, type TrialTable } from './trialtable';

/** The most that are compared at once: more lines nobody can tell apart. */
const MOST_COMPARED = 20;

/** The trials of a study: sorted by any column, each leads to its own page. */
export function TrialsPart({ panels, data }: { panels: IPanels; data: PageData }) {
  const [chosen, choose] = useState<ReadonlySet<string>>(new Set());
  const report = data.page?.bundle as unknown as StudyReport | undefined;
  const table = useMemo(() => (report?.study ? trialTable(report) : null), [report]);
  if (!table) {
    return data.problem ? <ProblemBox problem={data.problem} onRetry={data.refresh} /> : <Empty isLoading>…</Empty>;
  }
  if (table.rows.length === 0) {
    return <Empty>There are no trials yet. The first appear as soon as the study runs.</Empty>;
  }
  const toggle = (job: string): void => {
    const next = new Set(chosen);
    if (!next.delete(job)) {
      next.add(job);
    }
    choose(next);
  };
  return (
    <div className="mlm-page-part">
      <TrialsBar count={chosen.size} onCompare={() => panels.open({ noun: 'compare', key: [...chosen].join() })} />
      <TrialGrid
        table={table}
        chosen={chosen}
        onToggle={toggle}
        onOpen={job => panels.open({ noun: 'job', key: job })}
      />
    </div>
  );
}

function TrialsBar({ count, onCompare }: { count: number; onCompare: () => void }) {
  return (
    <div className="mlm-bar" role="toolbar" aria-label="Trials">
      <button
        type="button"
        className="mlm-button"
        data-mlm="trials-compare"
        disabled={count < 2 || count > MOST_COMPARED}
        onClick={onCompare}
      >
        {count > 1 ? `Compare ${count}` : 'Compare'}
      </button>
      <span className="mlm-faint">
        {count > MOST_COMPARED ? `At most ${MOST_COMPARED} at once.` : 'Tick trials to compare them.'}
      </span>
    </div>
  );
}

interface TrialGridProps {
  table: TrialTable;
  chosen: ReadonlySet<string>;
  onToggle: (job: string) => void;
  onOpen: (job: string) => void;
}

function TrialGrid({ table, chosen, onToggle, onOpen }: TrialGridProps) {
  const [[column, isDown], sort] = useState<[number, boolean]>([0, false]);
  const rows = useMemo(() => sortedRows(table, column, isDown), [table, column, isDown]);
  const numbers = table.columns.map(each => each.isNumber);
  return (
    <div className="mlm-table-scroller" tabIndex={0} role="region" aria-label="Trials">
      <table className="mlm-page-table" data-mlm="trials">
        <thead>
          <tr>
            <th scope="col">
              <span className="mlm-spoken">Compare</span>
            </th>
            {table.columns.map(({ title, isNumber }, at) => (
              <th
                key={title}
                scope="col"
                data-number={isNumber || undefined}
                aria-sort={at === column ? (isDown ? 'descending' : 'ascending') : undefined}
              >
                <button
                  type="button"
                  className="mlm-page-table-sort"
                  onClick={() => sort([at, at === column && !isDown])}
                >
                  {title} {at === column ? (isDown ? '▼' : '▲') : ''}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(row => (
            <TrialLine
              key={row.number}
              row={row}
              numbers={numbers}
              isChosen={chosen.has(row.job)}
              onToggle={() => onToggle(row.job)}
              onOpen={() => onOpen(row.job)}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface TrialLineProps {
  row: TrialRow;
  numbers: readonly boolean[];
  isChosen: boolean;
  onToggle: () => void;
  onOpen: () => void;
}

function TrialLine({ row, numbers, isChosen, onToggle, onOpen }: TrialLineProps) {
  const [name, state, ...rest] = row.cells;
  return (
    <tr data-mlm="trial" data-best={row.isBest || undefined}>
      <td>
        <input
          type="checkbox"
          aria-label={`Compare trial ${row.number}`}
          checked={isChosen}
          disabled={row.state === undefined}
          onChange={onToggle}
        />
      </td>
      <td data-number>
        {row.state ? (
          <button type="button" className="mlm-page-link" onClick={onOpen}>
            {name!.text}
          </button>
        ) : (
          name!.text
        )}
      </td>
      <td>
        {row.state ? (
          <span className="mlm-state" data-mlm="state" data-state={row.state}>
            {sign(row.state)} {state!.text}
          </span>
        ) : (
          state!.text
        )}
      </td>
      {rest.map((cell, at) => (
        <td key={at} data-number={numbers[at + 2] || undefined}>
          {at === 0 && row.isBest ? <strong title="The best">★ {cell.text}</strong> : cell.text}
        </td>
      ))}
    </tr>
  );
}
