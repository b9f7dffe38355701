import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { JobList, type ListQuery } from '../joblist';
import type { IPanels } from '../tokens';
import type { JobRow } from '../types';

/** A line of the list: a job, or a trial below its study. */
export interface Line {
  /** Of the job; undefined while it is not read. */
  id: string | undefined;
  row: JobRow | undefined;
  /** The study that it stands below. */
  study: string | undefined;
}

interface Group {
  study: string;
  trials: JobList;
  /** The line of the study's first trial. */
  start: number;
}

/** The list of jobs with the trials of open studies below them, as one sequence of lines. */
export class GroupedJobs implements IDisposable {
  readonly jobs: JobList;
  private readonly _panels: IPanels;
  private readonly _open = new Map<string, JobList>();
  private readonly _changed = new Signal<this, void>(this);
  private _known: { revision: number; query: ListQuery; groups: Group[] } | undefined;
  private _opened = 0;
  private _frame = 0;
  private _isDisposed = false;

  constructor(panels: IPanels) {
    this._panels = panels;
    this.jobs = new JobList(panels.client, panels.jobs, panels.stream);
    this.jobs.changed.connect(this._onChanged, this);
    panels.jobs.removed.connect(this._onRemoved, this);
  }

  /** At most once for each picture that the browser draws. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  get length(): number {
    return this._groups().reduce((sum, group) => sum + group.trials.total, this.jobs.total);
  }

  /** Another one whenever lines stand elsewhere. */
  get revision(): number {
    return [...this._open.values()].reduce((sum, trials) => sum + trials.revision, this.jobs.revision + this._opened);
  }

  set isPaused(isPaused: boolean) {
    this.jobs.isPaused = isPaused;
    this._open.forEach(trials => (trials.isPaused = isPaused));
  }

  at(line: number): Line {
    let before = 0;
    for (const { study, trials, start } of this._groups()) {
      if (line < start) {
        break;
      }
      if (line < start + trials.total) {
        const position = line - start;
        return { id: trials.id(position), row: trials.at(position), study };
      }
      before += trials.total;
    }
    return { id: this.jobs.id(line - before), row: this.jobs.at(line - before), study: undefined };
  }

  /** Where a job stands; -1 if that is not known. */
  indexOf(id: string): number {
    const groups = this._groups();
    const position = this.jobs.position(id);
    if (position >= 0) {
      return groups.reduce((line, { start, trials }) => (start <= line ? line + trials.total : line), position);
    }
    for (const { trials, start } of groups) {
      const trial = trials.position(id);
      if (trial >= 0) {
        return start + trial;
      }
    }
    return -1;
  }

  isOpen(study: string): boolean {
    return this._open.has(study) && !this.jobs.query.trials;
  }

  setOpen(study: string, isOpen: boolean): void {
    if (isOpen && !this._open.has(study)) {
      this._open.set(study, this._makeTrials(study));
    } else if (!isOpen) {
      this._open.get(study)?.dispose();
      this._open.delete(study);
    }
    // What the list of its trials has counted by then must not bring an earlier number back.
    this._opened += 1_000_000;
    this._onChanged();
  }

  ask(query: ListQuery): void {
    this.jobs.ask(query);
  }

  refresh(): void {
    this.jobs.refresh();
    this._open.forEach(trials => trials.refresh());
  }

  /** Say which lines are in sight. */
  show(first: number, last: number): void {
    for (const { trials, start } of this._groups()) {
      if (start <= last && first < start + trials.total) {
        trials.show(Math.max(0, first - start), Math.min(last - start, trials.total - 1));
      }
    }
    this.jobs.show(this._position(first), this._position(last));
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      window.cancelAnimationFrame(this._frame);
      this._panels.jobs.removed.disconnect(this._onRemoved, this);
      this._open.forEach(trials => trials.dispose());
      this.jobs.dispose();
      Signal.clearData(this);
    }
  }

  /** The open studies in the order of the list. */
  private _groups(): readonly Group[] {
    const { revision } = this;
    const { query } = this.jobs;
    if (this._known?.revision !== revision || this._known.query !== query) {
      this._known = { revision, query, groups: query.trials ? [] : this._findGroups() };
    }
    return this._known.groups;
  }

  private _findGroups(): Group[] {
    const found = [...this._open].map(([study, trials]) => ({ study, trials, position: this.jobs.position(study) }));
    const sorted = found.filter(({ position }) => position >= 0).sort((one, other) => one.position - other.position);
    let before = 0;
    return sorted.map(({ study, trials, position }) => {
      const start = position + 1 + before;
      before += trials.total;
      return { study, trials, start };
    });
  }

  /** The position in the list of a line's job; of a trial's, that of its study. */
  private _position(line: number): number {
    let before = 0;
    for (const { trials, start } of this._groups()) {
      if (line < start) {
        break;
      }
      if (line < start + trials.total) {
        return start - 1 - before;
      }
      before += trials.total;
    }
    return line - before;
  }

  private _makeTrials(study: string): JobList {
    const { client, jobs, stream } = this._panels;
    const query = { filter: `parent="${study}"`, sortBy: 'trial', trials: true };
    const trials = new JobList(client, jobs, stream, query, row => row.summary.parent === study);
    trials.changed.connect(this._onChanged, this);
    trials.refresh();
    return trials;
  }

  private _onRemoved(_: unknown, id: string): void {
    if (this._open.has(id)) {
      this.setOpen(id, false);
    }
  }

  private _onChanged(): void {
    if (this._frame === 0 && !this._isDisposed) {
      this._frame = window.requestAnimationFrame(() => {
        this._frame = 0;
        this._changed.emit();
      });
    }
  }
}
