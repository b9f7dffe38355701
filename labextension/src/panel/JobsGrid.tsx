import type { CommandRegistry } from '@lumino/commands';
import { useVirtualizer, type Virtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useId, useLayoutEffect, useRef, type KeyboardEvent, type MouseEvent } from 'react';

import { CommandIDs, openJobMenu } from './commands';
import { useSignal } from './hooks';
import { JobRowView, rowHeight } from './JobRowView';
import type { PanelModel } from './model';

interface Props {
  model: PanelModel;
  commands: CommandRegistry;
}

type List = Virtualizer<HTMLDivElement, HTMLDivElement>;

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
  const line = model.active === undefined ? -1 : jobs.indexOf(model.active);
  const active = line < 0 ? undefined : model.active;
  const reached = useRef(active);
  useEffect(() => {
    if (active !== undefined && reached.current !== active) {
      list.scrollToIndex(line);
    }
    reached.current = active;
  }, [active]);
  const keys = (event: KeyboardEvent) => onKey(event, model, commands, list);
  return (
    <div
      ref={scroller}
      className="mlm-jobs"
      role="treegrid"
      tabIndex={0}
      aria-label="Jobs"
      aria-multiselectable="true"
      aria-rowcount={jobs.length}
      aria-activedescendant={active === undefined ? undefined : `${prefix}${active}`}
      data-mlm="jobs"
      data-choosing={model.chosen.size > 0}
      onKeyDown={keys}
      onClick={event => onClick(event, model, commands)}
      onContextMenu={event => onContextMenu(event, model, commands)}
      onFocus={() => model.active === undefined && model.activate(jobs.at(first).id)}
    >
      <div role="rowgroup" className="mlm-jobs-all" style={{ height: list.getTotalSize() }}>
        {items.map(({ index, key, start }) => {
          const { id, row, study } = jobs.at(index);
          const fold = row !== undefined && canOpen(model, index) ? (jobs.isOpen(id!) ? 'open' : 'closed') : 'none';
          return (
            <div
              key={key}
              ref={list.measureElement}
              id={id === undefined ? undefined : `${prefix}${id}`}
              role="row"
              className="mlm-job-row"
              data-mlm="job-row"
              data-job-id={id}
              data-index={index}
              data-active={id !== undefined && id === active}
              data-level={study === undefined ? 1 : 2}
              aria-rowindex={index + 1}
              aria-level={study === undefined ? 1 : 2}
              aria-selected={id !== undefined && model.chosen.has(id)}
              aria-expanded={fold === 'none' ? undefined : fold === 'open'}
              style={{ transform: `translateY(${start}px)` }}
            >
              {row === undefined ? (
                <div role="gridcell" className="mlm-job mlm-faint">
                  …
                </div>
              ) : (
                <JobRowView
                  row={row}
                  isChosen={model.chosen.has(row.summary.id)}
                  fold={fold}
                  isBelow={study !== undefined}
                />
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** What is looked at, and where it was when it was looked at last. */
interface Anchor {
  id: string | undefined;
  start: number;
  revision: number;
  query: unknown;
}

/** Keep what is looked at where it is when jobs come in above it; another list begins at its top. */
function useAnchor(scroller: { current: HTMLDivElement | null }, model: PanelModel, list: List): void {
  const anchor = useRef<Anchor | null>(null);
  const { jobs } = model;
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) {
      return;
    }
    const { revision } = jobs;
    const { query } = jobs.jobs;
    const seen = anchor.current;
    // To ask the element itself would make the browser lay out the page once more.
    const offset = list.scrollOffset ?? 0;
    if (seen !== null && seen.query !== query) {
      element.scrollTop = 0;
    } else if (seen?.id !== undefined && seen.revision !== revision && offset > 0) {
      const start = list.measurementsCache[jobs.indexOf(seen.id)]?.start ?? seen.start;
      if (start !== seen.start) {
        element.scrollTop = offset + start - seen.start;
      }
    }
    const inSight = list.getVirtualItems().filter(({ end }) => end > offset);
    const top = inSight.find(({ index }) => jobs.at(index).id !== undefined);
    anchor.current = { id: top && jobs.at(top.index).id, start: top?.start ?? 0, revision, query };
    model.offset = offset;
  });
}

function canOpen(model: PanelModel, line: number): boolean {
  const { row, study } = model.jobs.at(line);
  return row?.summary.kind === 'tuning' && study === undefined && !model.jobs.jobs.query.trials;
}

function rowOf(event: MouseEvent): HTMLElement | null {
  return (event.target as HTMLElement).closest<HTMLElement>('[data-job-id]');
}

function onClick(event: MouseEvent, model: PanelModel, commands: CommandRegistry): void {
  const row = rowOf(event);
  const id = row?.dataset['jobId'];
  if (row === null || id === undefined) {
    return;
  }
  const part = (event.target as HTMLElement).closest<HTMLElement>('[data-mlm]')?.dataset['mlm'];
  if (part === 'fold') {
    model.jobs.setOpen(id, !model.jobs.isOpen(id));
  } else if (part === 'job-menu') {
    showMenu(model, commands, row, id);
  } else if (event.shiftKey) {
    model.extend(id);
  } else if (part === 'choose' || event.ctrlKey || event.metaKey) {
    model.toggle(id);
  } else {
    model.activate(id);
    model.panels.open({ noun: 'job', key: id });
  }
}

function onContextMenu(event: MouseEvent, model: PanelModel, commands: CommandRegistry): void {
  const id = rowOf(event)?.dataset['jobId'];
  if (id !== undefined && !event.shiftKey) {
    event.preventDefault();
    event.stopPropagation();
    model.activate(id);
    openJobMenu(commands, idsFor(model, id), event.clientX, event.clientY);
  }
}

function showMenu(model: PanelModel, commands: CommandRegistry, row: HTMLElement, id: string): void {
  const button = row.querySelector('[data-mlm="job-menu"]') ?? row;
  const { left, bottom } = button.getBoundingClientRect();
  model.activate(id);
  openJobMenu(commands, idsFor(model, id), left, bottom);
}

/** The menu of a job that is chosen is about all that are. */
function idsFor(model: PanelModel, id: string): string[] {
  return model.chosen.has(id) ? [...model.chosen] : [id];
}

function onKey(event: KeyboardEvent, model: PanelModel, commands: CommandRegistry, list: List): void {
  const id = model.active;
  const line = id === undefined ? -1 : model.jobs.indexOf(id);
  const target = lineFor(event.key, line, model, list);
  if (target !== undefined) {
    moveTo(target, event.shiftKey, model, list);
  } else if (id === undefined || line < 0 || !act(event, id, line, model, commands, list)) {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

/** Where a key moves to; undefined of keys that do not move. */
function lineFor(key: string, line: number, model: PanelModel, list: List): number | undefined {
  const last = model.jobs.length - 1;
  const page = Math.max(1, list.getVirtualItems().length - 11);
  const targets: Record<string, number> = {
    ArrowDown: line + 1,
    ArrowUp: line - 1,
    PageDown: line + page,
    PageUp: line - page,
    Home: 0,
    End: last
  };
  const target = targets[key];
  return target === undefined ? undefined : Math.min(last, Math.max(0, target));
}

function moveTo(line: number, isExtending: boolean, model: PanelModel, list: List): void {
  list.scrollToIndex(line);
  model.jobs.show(line, line);
  model.aim(line, isExtending);
}

/** Do what a key stands for; false of other keys. */
function act(
  event: KeyboardEvent,
  id: string,
  line: number,
  model: PanelModel,
  commands: CommandRegistry,
  list: List
): boolean {
  const { study } = model.jobs.at(line);
  const ids = idsFor(model, id);
  const isMenu = event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey);
  if (event.key === 'Enter') {
    model.panels.open({ noun: 'job', key: id });
  } else if (event.key === ' ') {
    model.toggle(id);
  } else if (event.key === 'Escape' && model.chosen.size > 0) {
    model.clear();
  } else if (event.key === 'Delete') {
    void (commands.isEnabled(CommandIDs.deleteJobs, { ids }) && commands.execute(CommandIDs.deleteJobs, { ids }));
  } else if (isMenu) {
    const row = list.scrollElement?.querySelector<HTMLElement>(`[data-job-id="${CSS.escape(id)}"]`);
    if (row) {
      showMenu(model, commands, row, id);
    }
  } else if (event.key === 'ArrowRight' && canOpen(model, line)) {
    model.jobs.setOpen(id, true);
  } else if (event.key === 'ArrowLeft' && model.jobs.isOpen(id)) {
    model.jobs.setOpen(id, false);
  } else if (event.key === 'ArrowLeft' && study !== undefined) {
    moveTo(model.jobs.indexOf(study), false, model, list);
  } else {
    return false;
  }
  return true;
}
