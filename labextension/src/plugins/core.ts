import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Signal, type ISignal } from '@lumino/signaling';

import { Client } from '../client';
import { confirm } from '../panel/actions';
import { JobStore } from '../store';
import { Stream } from '../stream';
import { IPanels, type CellPlace, type PageRequest } from '../tokens';

class Panels implements IPanels {
  readonly client: Client;
  readonly stream: Stream;
  readonly jobs: JobStore;
  private readonly _pageRequested = new Signal<IPanels, PageRequest>(this);
  private readonly _cellRequested = new Signal<IPanels, CellPlace>(this);

  constructor(app: JupyterFrontEnd) {
    this.client = new Client(app.serviceManager.serverSettings);
    this.client.agrees = cost => confirm('This costs money', cost, 'Start it', 'Do not start it');
    this.stream = new Stream(this.client);
    this.jobs = new JobStore(this.client, this.stream);
  }

  get pageRequested(): ISignal<IPanels, PageRequest> {
    return this._pageRequested;
  }

  get cellRequested(): ISignal<IPanels, CellPlace> {
    return this._cellRequested;
  }

  open(request: PageRequest): void {
    this._pageRequested.emit(request);
  }

  showCell(place: CellPlace): void {
    this._cellRequested.emit(place);
  }
}

export const corePlugin: JupyterFrontEndPlugin<IPanels> = {
  id: 'mlmagic:core',
  description: 'One client, stream and store of jobs for all that mlmagic shows.',
  autoStart: true,
  provides: IPanels,
  activate: (app: JupyterFrontEnd) => new Panels(app)
};
