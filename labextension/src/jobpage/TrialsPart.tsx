import { useMemo, useState } from 'react';

import { ProblemBox } from '../panel/Notice';
import { sign } from '../panel/states';
import type { IPanels } from '../tokens';
import type { StudyReport } from '../types';
import { Empty } from './Notices';
import type { PageData } from './pagedata';
import { sortedRows, trialTable, type TrialRow } from './trialtable';

/** The most that are compared at once: more lines nobody can tell apart. */
const MOST_COMPARED = 20;

/** The trials of a study: sorted by any column, each leads to its own page. */
export function TrialsPart({ panels, data }: { panels: IPanels; data: PageData }) {
  const [[column, isDown], sort] = useState<[number, boolean]>([0, false]);
  const [chosen, choose] = useState<ReadonlySet<string>>(new Set());
  const report = data.page?.bundle as unknown as StudyReport | undefined;
  const table = useMemo(() => (report?.study ? trialTable(report) : null), [report]);
  const rows = useMemo(() => (table ? sortedRows(table, column, isDown) : []), [table, column, isDown]);
  if (!table) {
    return data.problem ? <ProblemBox problem={data.problem} onRetry={data.refresh} /> : <Empty isLoading>…</Empty>;
  }
  if (rows.length === 0) {
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
      <div className="mlm-bar" role="toolbar" aria-label="Trials">
        <button
          type="button"
          className="mlm-button"
          data-mlm="trials-compare"
          disabled={chosen.size < 2 || chosen.size > MOST_COMPARED}
          onClick={() => panels.open({ noun: 'compare', key: [...chosen].join() })}
        >
          {chosen.size > 1 ? `Compare ${chosen.size}` : 'Compare'}
        </button>
        <span className="mlm-faint">
          {chosen.size > MOST_COMPARED ? `At most ${MOST_COMPARED} at once.` : 'Tick trials to compare them.'}
        </span>
      </div>
      <div className="mlm-page-table-scroller" tabIndex={0} role="region" aria-label="Trials">
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
                numbers={table.columns.map(each => each.isNumber)}
                isChosen={chosen.has(row.job)}
                onToggle={() => toggle(row.job)}
                onOpen={() => panels.open({ noun: 'job', key: row.job })}
              />
            ))}
          </tbody>
        </table>
      </div>
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
