import { Notification } from '@jupyterlab/apputils';
import type { IDisposable } from '@lumino/disposable';

import { serverClock } from '../clock';
import type { Stream } from '../stream';
import type { IPanels } from '../tokens';
import type { JobRow, JobState } from '../types';
import { MOST_NAME } from './actions';
import { count, duration, number, plain, plural, secondsBetween } from './formats';
import { isBad, isFinal, word } from './states';

/** So many jobs are told of that ended while nobody looked. */
const MOST_MISSED = 20;

/** Jobs that end together are told of together, in milliseconds. */
const PAUSE = 500;
/** More than so many get one notification for all. */
const MOST_AT_ONCE = 3;

const STORAGE = 'mlmagic:told';
/** By then all tabs know what one of them has noted, in milliseconds. */
const NOTED = 30_000;
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
  private readonly _opened = Date.now();
  private _ended: JobRow[] = [];
  private _timer: number | undefined;
  private _isDisposed = false;

  constructor(
    private readonly _panels: IPanels,
    private readonly _openPanel: () => void
  ) {
    _panels.stream.jobChanged.connect(this._onHeard, this);
    _panels.stream.refreshed.connect(this._readMissed, this);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      window.clearTimeout(this._timer);
      this._panels.stream.jobChanged.disconnect(this._onHeard, this);
      this._panels.stream.refreshed.disconnect(this._readMissed, this);
    }
  }

  /** When the page was opened, by the server's clock: what ended before is no news. */
  private get _since(): number {
    return this._opened + serverClock.ahead;
  }

  private _onHeard(_: Stream, row: JobRow): void {
    const { id, startTime, endTime, state, parent, attempt } = row.summary;
    if (endTime === undefined || startTime === undefined || parent !== undefined || !isFinal(state)) {
      return;
    }
    const key = `${id}:${attempt}`;
    const isNew = Date.parse(endTime) > this._since && !this._told.has(key);
    if (isNew && secondsBetween(startTime, endTime) >= this.leastSeconds) {
      this._told.add(key);
      void claim(key).then(isOurs => isOurs && this._tellSoon(row));
    }
  }

  private async _readMissed(): Promise<void> {
    try {
      const filter = `endTime>"${new Date(this._since).toISOString()}"`;
      const { jobs } = await this._panels.client.jobs({ filter, sortBy: '~endTime', limit: MOST_MISSED });
      jobs.forEach(row => this._onHeard(this._panels.stream, row));
    } catch {
      // The stream says when the server is back, and the same is asked again.
    }
  }

  private _tellSoon(row: JobRow): void {
    this._ended.push(row);
    this._timer ??= window.setTimeout(() => {
      const ended = this._ended;
      this._timer = undefined;
      this._ended = [];
      if (ended.length > MOST_AT_ONCE) {
        this._tellOfMany(ended);
      } else {
        ended.forEach(each => this._tell(each));
      }
    }, PAUSE);
  }

  private _tellOfMany(rows: readonly JobRow[]): void {
    const states = new Map<JobState, number>();
    rows.forEach(({ summary: { state } }) => states.set(state, (states.get(state) ?? 0) + 1));
    const told = [...states].map(([state, many]) => `${count(many)} ${word(state)}`).join(', ');
    const type = rows.some(({ summary }) => isBad(summary.state)) ? 'error' : 'success';
    const actions = [{ label: 'Show jobs', callback: this._openPanel }];
    Notification.emit(`${plural(rows.length, 'job')} ended: ${told}`, type, { autoClose: 15_000, actions });
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
  const result = headline === undefined ? '' : ` · ${plain(headline.name, MOST_NAME)} ${number(headline.value)}`;
  const told = isBad(state) && error !== undefined ? `: ${plain(error.split('\n', 1)[0]!)}` : result;
  return `${plain(displayName, MOST_NAME)} ${word(state)}${took}${told}`;
}

/** Whether this tab is the one to tell of something: the first that asks, of all tabs of this browser. */
export async function claim(key: string): Promise<boolean> {
  const { locks } = navigator as { locks?: LockManager };
  if (locks !== undefined) {
    return new Promise(resolve => {
      const claiming = locks.request(`${STORAGE}:${key}`, { ifAvailable: true }, async lock => {
        const isOurs = lock !== null && (await locks.request(STORAGE, () => note(key)));
        resolve(isOurs);
        if (isOurs) {
          // What is noted reaches other tabs later than a lock does, so until then it is the lock that tells them.
          await new Promise(done => window.setTimeout(done, NOTED));
        }
      });
      claiming.catch(() => resolve(false));
    });
  }
  // Browsers have locks only where the connection is safe. Without them tabs come one after the other by chance.
  await new Promise(resolve => window.setTimeout(resolve, Math.random() * PAUSE));
  return note(key);
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
