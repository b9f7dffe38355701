import { memo, useMemo, useState, type SyntheticEvent } from 'react';

import { sign } from '../panel/states';
import { sortedRows, type TrialRow, type TrialTable } from './trialtable';

export interface TrialGridProps {
  table: TrialTable;
  /** Numbers of the trials that are shown. */
  passing: ReadonlySet<number>;
  onPoint: (trial: number | null) => void;
  chosen: ReadonlySet<string>;
  onToggle: (job: string) => void;
  onOpen: (job: string) => void;
}

/** Trials in a table, sorted by any column. It tells in which row the pointer or the keyboard is. */
export const TrialGrid = memo(function TrialGrid(props: TrialGridProps) {
  const { table, passing, onPoint, chosen, onToggle, onOpen } = props;
  const [[column, isDown], sort] = useState<[number, boolean]>([0, false]);
  const rows = useMemo(() => sortedRows(table, column, isDown), [table, column, isDown]);
  const numbers = table.columns.map(({ isNumber }) => (isNumber ? '1' : '0')).join('');
  const point = (event: SyntheticEvent): void => {
    const row = (event.target as Element).closest<HTMLElement>('[data-trial]');
    onPoint(row ? Number(row.dataset.trial) : null);
  };
  return (
    <div
      className="mlm-trials-scroller"
      tabIndex={0}
      role="region"
      aria-label="Trials"
      onPointerOver={point}
      onPointerLeave={() => onPoint(null)}
      onFocus={point}
      onBlur={() => onPoint(null)}
    >
      <table className="mlm-page-table" data-mlm="trials">
        <thead>
          <tr>
            <th scope="col">
              <span className="mlm-spoken">Compare</span>
            </th>
            {table.columns.map(({ title, isNumber }, at) => (
              <th
                // Parameters may have any name, also that of another column.
                key={at}
                scope="col"
                data-number={isNumber || undefined}
                aria-sort={at === column ? (isDown ? 'descending' : 'ascending') : undefined}
              >
                <button
                  type="button"
                  className="mlm-page-table-sort"
                  onClick={() => sort([at, at === column && !isDown])}
                >
                  {title} <span aria-hidden="true">{at === column ? (isDown ? '▼' : '▲') : ''}</span>
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
              isHidden={!passing.has(row.number)}
              onToggle={onToggle}
              onOpen={onOpen}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
});

interface TrialLineProps {
  row: TrialRow;
  /** By column, whether it has numbers: `1` or `0`. */
  numbers: string;
  isChosen: boolean;
  isHidden: boolean;
  onToggle: (job: string) => void;
  onOpen: (job: string) => void;
}

/** Of a thousand rows those are drawn again that are others. */
const TrialLine = memo(DrawnLine, ({ row: before, ...one }, { row: after, ...other }) => {
  const names = Object.keys(one) as (keyof typeof one)[];
  return before.told === after.told && names.every(name => one[name] === other[name]);
});

function DrawnLine({ row, numbers, isChosen, isHidden, onToggle, onOpen }: TrialLineProps) {
  const [name, state, ...rest] = row.cells;
  return (
    <tr data-mlm="trial" data-trial={row.number} data-best={row.isBest || undefined} hidden={isHidden}>
      <td>
        <input
          type="checkbox"
          aria-label={`Compare trial ${row.number}`}
          checked={isChosen}
          disabled={row.state === undefined}
          onChange={() => onToggle(row.job)}
        />
      </td>
      <td data-number>
        {row.state ? (
          <button type="button" className="mlm-page-link" onClick={() => onOpen(row.job)}>
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
        <td key={at} data-number={numbers[at + 2] === '1' || undefined}>
          {at === 0 && row.isBest ? <strong title="The best">★ {cell.text}</strong> : cell.text}
        </td>
      ))}
    </tr>
  );
}
