import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { IPanels } from '../tokens';
import { GroupedJobs } from './grouped';
import { SORT_ORDERS } from './quickfilters';

export const TABS = ['jobs', 'models', 'endpoints', 'data'] as const;

export type TabName = (typeof TABS)[number];

/** What is remembered from one visit to the next. */
export interface Remembered {
  tab: TabName;
  sortBy: string;
  trials: boolean;
}

/** What the panel shows: the tab, the jobs, which of them are chosen. Commands and views share it. */
export class PanelModel implements IDisposable {
  readonly jobs: GroupedJobs;
  /** Where the list of jobs was left, in pixels. */
  offset = 0;
  private readonly _changed = new Signal<this, void>(this);
  private _tab: TabName = 'jobs';
  private _chosen: ReadonlySet<string> = new Set();
  private _active: string | undefined;
  private _anchor: string | undefined;
  /** The line that the keyboard is to be on as soon as its job is read. */
  private _aim: { line: number; isExtending: boolean } | undefined;
  private _isVisible = false;
  private _isDisposed = false;

  constructor(readonly panels: IPanels) {
    // Before the list hears of it, which still knows where the job stood.
    panels.jobs.removed.connect(this._onRemoved, this);
    this.jobs = new GroupedJobs(panels);
    this.jobs.isPaused = true;
    this.jobs.changed.connect(this._follow, this);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get tab(): TabName {
    return this._tab;
  }

  set tab(tab: TabName) {
    this._tab = tab;
    this._pause();
    this._changed.emit();
  }

  get isVisible(): boolean {
    return this._isVisible;
  }

  set isVisible(isVisible: boolean) {
    if (this._isVisible !== isVisible) {
      this._isVisible = isVisible;
      this._pause();
      this._changed.emit();
    }
  }

  /** Ids of the jobs that are chosen for what is done with several. */
  get chosen(): ReadonlySet<string> {
    return this._chosen;
  }

  /** The id of the job that the keyboard is on. */
  get active(): string | undefined {
    return this._active;
  }

  /** What a command is about that is not told: the jobs that are chosen, or else the one that the keyboard is on. */
  get targets(): string[] {
    return this._chosen.size > 0 ? [...this._chosen] : this._active === undefined ? [] : [this._active];
  }

  get remembered(): Remembered {
    const { sortBy, trials } = this.jobs.jobs.query;
    return { tab: this._tab, sortBy, trials };
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  recall(remembered: Partial<Remembered>): void {
    const { tab, sortBy, trials } = remembered;
    const query = this.jobs.jobs.query;
    if (tab !== undefined && TABS.includes(tab)) {
      this.tab = tab;
    }
    // An order of another version of mlmagic would be refused each time.
    const known = SORT_ORDERS.some(({ key }) => key === sortBy) ? String(sortBy) : '';
    this.jobs.ask({ ...query, sortBy: known, trials: trials === true });
  }

  /** Put the keyboard on a line, whose job may not be read yet; from the last one on, all may be chosen. */
  aim(line: number, isExtending: boolean): void {
    this._aim = { line, isExtending };
    this._follow();
  }

  activate(id: string | undefined): void {
    this._aim = undefined;
    this._active = id;
    this._anchor = id;
    this._changed.emit();
  }

  /** Choose a job, or no longer. */
  toggle(id: string): void {
    const chosen = new Set(this._chosen);
    if (!chosen.delete(id)) {
      chosen.add(id);
    }
    this._chosen = chosen;
    this.activate(id);
  }

  /** Choose all jobs from the one that was touched last. */
  extend(id: string): void {
    const from = this._anchor === undefined ? -1 : this.jobs.indexOf(this._anchor);
    const to = this.jobs.indexOf(id);
    if (from < 0 || to < 0) {
      return this.toggle(id);
    }
    const chosen = new Set<string>();
    for (let line = Math.min(from, to); line <= Math.max(from, to); line++) {
      const found = this.jobs.at(line).id;
      if (found !== undefined) {
        chosen.add(found);
      }
    }
    this._chosen = chosen;
    this._active = id;
    this._changed.emit();
  }

  clear(): void {
    this._chosen = new Set();
    this._changed.emit();
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this.panels.jobs.removed.disconnect(this._onRemoved, this);
      this.jobs.dispose();
      Signal.clearData(this);
    }
  }

  private _follow(): void {
    const aim = this._aim;
    const id = aim === undefined ? undefined : this.jobs.at(aim.line).id;
    if (aim === undefined || id === undefined) {
      return;
    }
    this._aim = undefined;
    if (aim.isExtending) {
      this.extend(id);
    } else {
      this.activate(id);
    }
  }

  private _pause(): void {
    this.jobs.isPaused = !this._isVisible || this._tab !== 'jobs';
  }

  private _onRemoved(_: unknown, id: string): void {
    if (this._active === id) {
      const line = this.jobs.indexOf(id);
      this._active = line < 0 ? undefined : (this.jobs.at(line + 1).id ?? this.jobs.at(line - 1).id);
    }
    if (this._chosen.has(id)) {
      this._chosen = new Set([...this._chosen].filter(chosen => chosen !== id));
    }
    this._changed.emit();
  }
}
