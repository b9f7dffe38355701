import { useId, useRef, useState, type KeyboardEvent, type MouseEvent, type ReactNode } from 'react';

/** Something that can be done with a row. */
export interface RowAction {
  label: string;
  /** What tests know it by. */
  mark: string;
  isEnabled: boolean;
  execute: () => void;
}

/** A row of a short list. */
export interface NounRow {
  key: string;
  /** What it is called. */
  name: string;
  content: ReactNode;
  open: () => void;
  actions: RowAction[];
}

interface Props {
  label: string;
  /** `model-row`. */
  mark: string;
  rows: readonly NounRow[];
  onMenu: (actions: readonly RowAction[], x: number, y: number) => void;
}

/** A list that is short enough to be in the page whole. The keyboard is on the list, which says which row is meant. */
export function NounGrid({ label, mark, rows, onMenu }: Props) {
  const [active, setActive] = useState<string>();
  const grid = useRef<HTMLDivElement>(null);
  const prefix = useId();
  const line = rows.findIndex(({ key }) => key === active);
  const element = (at: number) => grid.current?.querySelectorAll('[role=row]')[at];
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) {
      // A button within a row: its keys are its own.
      return;
    }
    const target = lineFor(event.key, line, rows.length);
    const row = rows[line];
    if (target !== undefined) {
      setActive(rows[target]?.key);
      element(target)?.scrollIntoView({ block: 'nearest' });
    } else if (row !== undefined && event.key === 'Enter') {
      row.open();
    } else if (row !== undefined && (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey))) {
      const box = element(line)?.getBoundingClientRect();
      onMenu(row.actions, box?.left ?? 0, box?.bottom ?? 0);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div
      ref={grid}
      className="mlm-entries"
      role="grid"
      tabIndex={0}
      aria-label={label}
      aria-rowcount={rows.length}
      aria-activedescendant={line < 0 ? undefined : `${prefix}${active}`}
      onKeyDown={onKeyDown}
      onFocus={() => line < 0 && setActive(rows[0]?.key)}
    >
      {rows.map((row, at) => (
        <Entry
          key={row.key}
          id={`${prefix}${row.key}`}
          row={row}
          mark={mark}
          index={at}
          isActive={at === line}
          onActive={() => setActive(row.key)}
          onMenu={onMenu}
        />
      ))}
    </div>
  );
}

interface EntryProps {
  id: string;
  row: NounRow;
  mark: string;
  index: number;
  isActive: boolean;
  onActive: () => void;
  onMenu: Props['onMenu'];
}

function Entry({ id, row, mark, index, isActive, onActive, onMenu }: EntryProps) {
  const onClick = (event: MouseEvent) => {
    const button = (event.target as HTMLElement).closest<HTMLElement>('button');
    onActive();
    if (button === null) {
      row.open();
    } else if (button.dataset['mlm'] === 'row-menu') {
      const { left, bottom } = button.getBoundingClientRect();
      onMenu(row.actions, left, bottom);
    }
  };
  const onContextMenu = (event: MouseEvent) => {
    if (!event.shiftKey) {
      event.preventDefault();
      event.stopPropagation();
      onActive();
      onMenu(row.actions, event.clientX, event.clientY);
    }
  };
  return (
    <div
      id={id}
      role="row"
      className="mlm-entry-row"
      data-mlm={mark}
      data-key={row.key}
      data-active={isActive}
      aria-rowindex={index + 1}
      onClick={onClick}
      onContextMenu={onContextMenu}
    >
      <div role="gridcell" className="mlm-entry">
        {row.content}
      </div>
      <div role="gridcell" className="mlm-job-menu">
        <button
          type="button"
          tabIndex={-1}
          className="mlm-icon-button"
          data-mlm="row-menu"
          aria-haspopup="menu"
          aria-label={`What can be done with ${row.name}`}
        >
          ⋮
        </button>
      </div>
    </div>
  );
}

function lineFor(key: string, line: number, length: number): number | undefined {
  const targets: Record<string, number> = { ArrowDown: line + 1, ArrowUp: line - 1, Home: 0, End: length - 1 };
  const target = targets[key];
  return target === undefined ? undefined : Math.min(length - 1, Math.max(0, target));
}
