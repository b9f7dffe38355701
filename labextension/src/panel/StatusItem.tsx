import { ReactWidget } from '@jupyterlab/apputils';

import { Boundary } from '../views/Boundary';
import type { AlertCount } from './alertcount';
import { count, plural } from './formats';
import { useSignal } from './hooks';
import type { JobCount } from './jobcount';
import type { TabName } from './model';

/** The numbers of running jobs and of open alerts in the status bar; a click shows them. */
export class StatusItem extends ReactWidget {
  constructor(
    private readonly _jobs: JobCount,
    private readonly _alerts: AlertCount,
    private readonly _open: (tab?: TabName) => void,
    private readonly _openJob: (id: string) => void
  ) {
    super();
    this.addClass('mlm-status');
  }

  protected override render() {
    return (
      <Boundary what="The number of jobs">
        <Running jobs={this._jobs} onOpen={() => this._open()} />
        <Lasting alerts={this._alerts} onOpen={() => this._openAlerts()} />
      </Boundary>
    );
  }

  private _openAlerts(): void {
    const { job } = this._alerts;
    return job === undefined ? this._open('endpoints') : this._openJob(job);
  }
}

function Running({ jobs, onOpen }: { jobs: JobCount; onOpen: () => void }) {
  useSignal(jobs.changed);
  const { running, waiting } = jobs;
  if (!jobs.isKnown) {
    // Nothing was heard yet, or there is nobody to hear: no number is better than a wrong one.
    return null;
  }
  const told = `${plural(running, 'job')} running${waiting > 0 ? `, ${count(waiting)} waiting` : ''}`;
  return (
    <button type="button" className="mlm-status-button" data-mlm="status" title={`mlmagic: ${told}`} onClick={onOpen}>
      <span aria-hidden="true">●</span> {told}
    </button>
  );
}

function Lasting({ alerts, onOpen }: { alerts: AlertCount; onOpen: () => void }) {
  useSignal(alerts.changed);
  if (alerts.count === 0) {
    return null;
  }
  const told = plural(alerts.count, 'alert');
  const title = `mlmagic: ${told} of ${alerts.job === undefined ? 'endpoints' : 'monitored files'}`;
  return (
    <button type="button" className="mlm-status-button" data-mlm="status-alerts" title={title} onClick={onOpen}>
      <span aria-hidden="true">✗</span> {told}
    </button>
  );
}
