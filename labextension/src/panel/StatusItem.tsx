import { ReactWidget } from '@jupyterlab/apputils';

import { count, plural } from './formats';
import { useSignal } from './hooks';
import type { JobCount } from './jobcount';

/** The number of running jobs in the status bar; a click shows them. */
export class StatusItem extends ReactWidget {
  constructor(
    private readonly _count: JobCount,
    private readonly _open: () => void
  ) {
    super();
    this.addClass('mlm-status');
  }

  protected override render() {
    return <Running jobs={this._count} onOpen={this._open} />;
  }
}

function Running({ jobs, onOpen }: { jobs: JobCount; onOpen: () => void }) {
  useSignal(jobs.changed);
  const { running, waiting } = jobs;
  const told = `${plural(running, 'job')} running${waiting > 0 ? `, ${count(waiting)} waiting` : ''}`;
  return (
    <button type="button" className="mlm-status-button" data-mlm="status" title={`mlmagic: ${told}`} onClick={onOpen}>
      <span aria-hidden="true">●</span> {told}
    </button>
  );
}
