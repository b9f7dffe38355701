import type { CommandRegistry } from '@lumino/commands';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useId, useRef } from 'react';

import { useAnchor, useReach, type List } from './anchor';
import { canOpen, keepFocus, onClick, onContextMenu, onFocus, onKey, type Grid } from './gridinput';
import { useSignal } from './hooks';
import { JobRowView, rowHeight } from './JobRowView';
import type { PanelModel } from './model';

interface Props {
  model: PanelModel;
  commands: CommandRegistry;
}

/** The jobs: only the rows in sight are in the page. The keyboard is on the list, which says which row is meant. */
export function JobsGrid({ model, commands }: Props) {
  const { jobs } = model;
  useSignal(jobs.changed);
  useSignal(model.changed);
  const scroller = useRef<HTMLDivElement>(null);
  const prefix = useId();
  const list: List = useVirtualizer<HTMLDivElement, HTMLDivElement>({
    count: jobs.length,
    getScrollElement: () => scroller.current,
    estimateSize: line => rowHeight(jobs.at(line).row),
    // As long as it is the same function, not all rows are counted anew.
    getItemKey: useCallback((line: number) => jobs.at(line).id ?? line, [jobs, jobs.revision]),
    overscan: 5,
    initialOffset: model.offset
  });
  const items = list.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items[items.length - 1]?.index ?? 0;
  useEffect(() => jobs.show(first, last));
  useAnchor(scroller, model, list);
  const grid: Grid = { model, commands, list };
  const line = model.active === undefined ? -1 : jobs.indexOf(model.active);
  const active = line < 0 ? undefined : model.active;
  // A row that was scrolled out of sight is not in the page.
  const isDrawn = items.some(({ index }) => index === line);
  useReach(list, active, line);
  return (
    <div
      ref={scroller}
      className="mlm-jobs"
      role="treegrid"
      tabIndex={0}
      aria-label="Jobs"
      aria-multiselectable="true"
      aria-rowcount={jobs.length}
      aria-activedescendant={isDrawn ? `${prefix}${active}` : undefined}
      data-mlm="jobs"
      data-choosing={model.chosen.size > 0}
      onKeyDown={event => onKey(event, grid)}
      onClick={event => onClick(event, grid)}
      onContextMenu={event => onContextMenu(event, grid)}
      onMouseDown={keepFocus}
      onFocus={event => onFocus(event, grid)}
    >
      <div role="rowgroup" className="mlm-jobs-all" style={{ height: list.getTotalSize() }}>
        {items.map(({ index, key, start }) => (
          <JobLine
            key={key}
            model={model}
            index={index}
            start={start}
            prefix={prefix}
            isActive={active !== undefined && jobs.at(index).id === active}
            measure={list.measureElement}
          />
        ))}
      </div>
    </div>
  );
}

interface LineProps {
  model: PanelModel;
  index: number;
  /** Where it begins, in pixels. */
  start: number;
  /** Of its element's id. */
  prefix: string;
  isActive: boolean;
  measure: (element: HTMLDivElement | null) => void;
}

function JobLine({ model, index, start, prefix, isActive, measure }: LineProps) {
  const { id, row, study } = model.jobs.at(index);
  const isChosen = id !== undefined && model.chosen.has(id);
  const level = study === undefined ? 1 : 2;
  const fold = id === undefined || !canOpen(model, index) ? 'none' : model.jobs.isOpen(id) ? 'open' : 'closed';
  return (
    <div
      ref={measure}
      id={id === undefined ? undefined : `${prefix}${id}`}
      role="row"
      className="mlm-job-row"
      data-mlm="job-row"
      data-job-id={id}
      data-index={index}
      data-active={isActive}
      data-level={level}
      aria-rowindex={index + 1}
      aria-level={level}
      aria-selected={isChosen}
      aria-expanded={fold === 'none' ? undefined : fold === 'open'}
      style={{ transform: `translateY(${start}px)` }}
    >
      {row === undefined ? (
        <div role="gridcell" className="mlm-job mlm-faint">
          …
        </div>
      ) : (
        <JobRowView row={row} isChosen={isChosen} fold={fold} isBelow={level === 2} />
      )}
    </div>
  );
}
