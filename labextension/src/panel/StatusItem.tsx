import { ReactWidget } from '@jupyterlab/apputils';

import { Boundary } from '../views/Boundary';
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
    return (
      <Boundary what="The number of jobs">
        <Running jobs={this._count} onOpen={this._open} />
      </Boundary>
    );
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
