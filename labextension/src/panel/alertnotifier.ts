import { Notification } from '@jupyterlab/apputils';
import type { IDisposable } from '@lumino/disposable';

import { serverClock } from '../clock';
import { alertLine } from '../nounpages/MonitoringPart';
import type { NounChange, Stream } from '../stream';
import type { IPanels, PageRequest } from '../tokens';
import type { Alert, JobRow } from '../types';
import { plain, plural } from './formats';
import { MonitoringNotes } from './monitoringnotes';
import { claim } from './notifier';

/** More than so many of an endpoint or a job that come together get one notification. */
const MOST_AT_ONCE = 3;

/** Tells of alerts of endpoints and of monitored files as they begin; of each in one tab only. */
export class AlertNotifier implements IDisposable {
  private readonly _notes = new MonitoringNotes();
  private readonly _told = new Set<string>();
  private readonly _opened = Date.now();
  private _isDisposed = false;

  constructor(private readonly _panels: IPanels) {
    _panels.stream.nounChanged.connect(this._onHeard, this);
    _panels.stream.jobChanged.connect(this._onJob, this);
    _panels.stream.refreshed.connect(this._readMissed, this);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this._panels.stream.nounChanged.disconnect(this._onHeard, this);
      this._panels.stream.jobChanged.disconnect(this._onJob, this);
      this._panels.stream.refreshed.disconnect(this._readMissed, this);
    }
  }

  private _onHeard(_: Stream, { noun, kind, name }: NounChange): void {
    if (noun === 'endpoint' && kind === 'monitoring') {
      void this._read(name);
    }
  }

  private _onJob(_: Stream, row: JobRow): void {
    if (this._notes.isNews(row)) {
      void this._readFiles();
    }
  }

  private async _readMissed(): Promise<void> {
    await Promise.all([this._readEndpoints(), this._readFiles()]);
  }

  private async _readEndpoints(): Promise<void> {
    try {
      const rows = await this._panels.client.endpoints();
      await Promise.all(rows.filter(({ alerts }) => alerts > 0).map(({ name }) => this._read(name)));
    } catch {
      // The stream says when the server is back, and the same is asked again.
    }
  }

  private async _read(name: string): Promise<void> {
    try {
      const fresh = await this._fresh(await this._panels.client.alerts(name));
      this._tell({ noun: 'endpoint', key: name }, fresh);
    } catch {
      // It was deleted meanwhile, or the server is gone: then all is asked again.
    }
  }

  private async _readFiles(): Promise<void> {
    try {
      const fresh = await this._fresh(await this._panels.client.fileAlerts());
      for (const key of new Set(fresh.flatMap(({ job }) => job ?? []))) {
        this._tell(
          { noun: 'job', key },
          fresh.filter(({ job }) => job === key)
        );
      }
    } catch {
      // The server is gone: when it is back, the same is asked again.
    }
  }

  /** Those that began since the tab was opened, and that no tab has told. */
  private async _fresh(alerts: readonly Alert[]): Promise<readonly Alert[]> {
    const since = this._opened + serverClock.ahead;
    const fresh = alerts.filter(({ id, firstSeen }) => Date.parse(firstSeen) > since && !this._told.has(id));
    fresh.forEach(({ id }) => this._told.add(id));
    const claims = await Promise.all(fresh.map(({ id }) => claim(`alert:${id}`)));
    return fresh.filter((_, at) => claims[at]);
  }

  private _tell(page: PageRequest, alerts: readonly Alert[]): void {
    const actions = [{ label: 'Open', callback: () => this._panels.open(page) }];
    const texts =
      alerts.length > MOST_AT_ONCE ? [plural(alerts.length, 'alert')] : alerts.map(each => plain(alertLine(each), 200));
    texts.forEach(text => Notification.emit(`${page.key}: ${text}`, 'warning', { autoClose: 15_000, actions }));
  }
}
