import { Notification } from '@jupyterlab/apputils';
import type { IDisposable } from '@lumino/disposable';

import type { Stream } from '../stream';
import type { IPanels } from '../tokens';
import type { JobRow, JobState } from '../types';
import { duration, number, secondsBetween } from './formats';
import { isBad, isFinal, word } from './states';

/** So many jobs are told of that ended while nobody looked. */
const MOST_MISSED = 20;

const STORAGE = 'mlmagic:told';
/** Older ones are forgotten. */
const MOST_NOTED = 200;

const TYPES: Partial<Record<JobState, Notification.TypeOptions>> = {
  SUCCEEDED: 'success',
  FAILED: 'error',
  EXPIRED: 'error',
  LOST: 'error'
};

/** Tells of the ends of long jobs, also of those that came while the tab was hidden; of each in one tab only. */
export class Notifier implements IDisposable {
  /** How long a job must have run to be told of, in seconds. */
  leastSeconds = 60;
  private readonly _told = new Set<string>();
  /** When the page was opened: what ended before is no news. */
  private readonly _since = new Date().toISOString();
  private _isDisposed = false;

  constructor(private readonly _panels: IPanels) {
    _panels.stream.jobChanged.connect(this._onHeard, this);
    _panels.stream.refreshed.connect(this._readMissed, this);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this._panels.stream.jobChanged.disconnect(this._onHeard, this);
      this._panels.stream.refreshed.disconnect(this._readMissed, this);
    }
  }

  private _onHeard(_: Stream, row: JobRow): void {
    const { id, startTime, endTime, state, parent, attempt } = row.summary;
    if (endTime === undefined || startTime === undefined || parent !== undefined || !isFinal(state)) {
      return;
    }
    const key = `${id}:${attempt}`;
    const isNew = Date.parse(endTime) > Date.parse(this._since) && !this._told.has(key);
    if (isNew && secondsBetween(startTime, endTime) >= this.leastSeconds) {
      this._told.add(key);
      void claim(key).then(isOurs => isOurs && this._tell(row));
    }
  }

  private async _readMissed(): Promise<void> {
    try {
      const filter = `endTime>"${this._since}"`;
      const { jobs } = await this._panels.client.jobs({ filter, sortBy: '~endTime', limit: MOST_MISSED });
      jobs.forEach(row => this._onHeard(this._panels.stream, row));
    } catch {
      // The stream says when the server is back, and the same is asked again.
    }
  }

  private _tell(row: JobRow): void {
    const { id, state } = row.summary;
    const actions: Notification.IAction[] = [
      { label: 'Open', callback: () => this._panels.open({ noun: 'job', key: id }) }
    ];
    if (isBad(state)) {
      actions.push({ label: 'Logs', callback: () => this._panels.open({ noun: 'job', key: id, part: 'logs' }) });
    }
    Notification.emit(sentence(row), TYPES[state] ?? 'info', { autoClose: 15_000, actions });
  }
}

function sentence({ summary, headline }: JobRow): string {
  const { displayName, state, startTime, endTime, error } = summary;
  const took = startTime === undefined ? '' : ` after ${duration(secondsBetween(startTime, endTime))}`;
  const result = headline === undefined ? '' : ` · ${headline.name} ${number(headline.value)}`;
  const told = isBad(state) && error !== undefined ? `: ${error.split('\n', 1)[0]}` : result;
  return `${displayName} ${word(state)}${took}${told}`;
}

/** Whether this tab is the one to tell of something: the first that asks, of all tabs of this browser. */
async function claim(key: string): Promise<boolean> {
  // Browsers have locks only where the connection is safe; without them two tabs may tell the same.
  const { locks } = navigator as { locks?: LockManager };
  return locks === undefined ? note(key) : locks.request(STORAGE, () => note(key));
}

/** Note in the browser that something was told; false if it was already. */
function note(key: string): boolean {
  try {
    const known: string[] = JSON.parse(window.localStorage.getItem(STORAGE) ?? '[]');
    if (known.includes(key)) {
      return false;
    }
    window.localStorage.setItem(STORAGE, JSON.stringify([...known, key].slice(-MOST_NOTED)));
  } catch {
    // A browser that keeps nothing has no other tabs to agree with.
  }
  return true;
}
