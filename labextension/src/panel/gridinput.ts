import type { CommandRegistry } from '@lumino/commands';
import type { FocusEvent, KeyboardEvent, MouseEvent } from 'react';

import type { List } from './anchor';
import { CommandIDs, openJobMenu } from './commands';
import type { PanelModel } from './model';

/** What keys and clicks act on. */
export interface Grid {
  model: PanelModel;
  commands: CommandRegistry;
  list: List;
}

/** Whether there are trials that can be shown below a line. */
export function canOpen(model: PanelModel, line: number): boolean {
  const { row, study } = model.jobs.at(line);
  return row?.summary.kind === 'tuning' && study === undefined && !model.jobs.jobs.query.trials;
}

function rowOf(event: MouseEvent): HTMLElement | null {
  return (event.target as HTMLElement).closest<HTMLElement>('[data-job-id]');
}

export function onClick(event: MouseEvent, grid: Grid): void {
  const { model } = grid;
  const row = rowOf(event);
  const id = row?.dataset['jobId'];
  if (row === null || id === undefined) {
    return;
  }
  const part = (event.target as HTMLElement).closest<HTMLElement>('[data-mlm]')?.dataset['mlm'];
  if (part === 'fold') {
    model.jobs.setOpen(id, !model.jobs.isOpen(id));
  } else if (part === 'job-menu') {
    showMenu(grid, row, id);
  } else if (event.shiftKey) {
    model.extend(id);
  } else if (part === 'choose' || event.ctrlKey || event.metaKey) {
    model.toggle(id);
  } else {
    model.activate(id);
    model.panels.open({ noun: 'job', key: id });
  }
}

export function onContextMenu(event: MouseEvent, { model, commands }: Grid): void {
  const id = rowOf(event)?.dataset['jobId'];
  if (id !== undefined && !event.shiftKey) {
    event.preventDefault();
    event.stopPropagation();
    model.activate(id);
    openJobMenu(commands, idsFor(model, id), event.clientX, event.clientY);
  }
}

/** The keyboard stays on the list when a button of a row is pressed: that row may be taken out of the page. */
export function keepFocus(event: MouseEvent<HTMLElement>): void {
  if ((event.target as HTMLElement).closest('button, input') !== null) {
    event.preventDefault();
    event.currentTarget.focus({ preventScroll: true });
  }
}

/** The keyboard begins at the first row that is in sight. The pointer says itself which row it means. */
export function onFocus({ currentTarget }: FocusEvent<HTMLElement>, { model, list }: Grid): void {
  if (model.active === undefined && currentTarget.matches(':focus-visible')) {
    const offset = list.scrollOffset ?? 0;
    const first = list.getVirtualItems().find(({ start }) => start >= offset);
    model.activate(first && model.jobs.at(first.index).id);
  }
}

function showMenu({ model, commands }: Grid, row: HTMLElement, id: string): void {
  const button = row.querySelector('[data-mlm="job-menu"]') ?? row;
  const { left, bottom } = button.getBoundingClientRect();
  model.activate(id);
  openJobMenu(commands, idsFor(model, id), left, bottom);
}

/** The menu of a job that is chosen is about all that are. */
function idsFor(model: PanelModel, id: string): string[] {
  return model.chosen.has(id) ? [...model.chosen] : [id];
}

export function onKey(event: KeyboardEvent, grid: Grid): void {
  const { model } = grid;
  if (event.ctrlKey || event.altKey || event.metaKey) {
    // A shortcut of JupyterLab or of the browser.
    return;
  }
  const id = model.active;
  const line = id === undefined ? -1 : model.jobs.indexOf(id);
  const target = lineFor(event.key, line, grid);
  if (target !== undefined) {
    moveTo(target, event.shiftKey, grid);
  } else if (id === undefined || line < 0 || !act(event, id, line, grid)) {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

/** Where a key moves to; undefined of keys that do not move. */
function lineFor(key: string, line: number, { model, list }: Grid): number | undefined {
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

function moveTo(line: number, isExtending: boolean, { model, list }: Grid): void {
  list.scrollToIndex(line);
  model.jobs.show(line, line);
  model.aim(line, isExtending);
}

/** Do what a key stands for; false of other keys. */
function act(event: KeyboardEvent, id: string, line: number, grid: Grid): boolean {
  const { model, commands, list } = grid;
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
      showMenu(grid, row, id);
    }
  } else if (event.key === 'ArrowRight' && canOpen(model, line)) {
    model.jobs.setOpen(id, true);
  } else if (event.key === 'ArrowLeft' && model.jobs.isOpen(id)) {
    model.jobs.setOpen(id, false);
  } else if (event.key === 'ArrowLeft' && study !== undefined) {
    moveTo(model.jobs.indexOf(study), false, grid);
  } else {
    return false;
  }
  return true;
}
