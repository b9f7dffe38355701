import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';

import type { Client } from './client';
import type { JobStore } from './store';
import type { Stream } from './stream';

/** What a page can be about. */
export type Noun = 'job' | 'model' | 'endpoint' | 'dataset' | 'compare';

/** A page to be opened: of a job by its id, of a model `taxi` or a version `taxi@2`, of a comparison by ids with commas. */
export interface PageRequest {
  noun: Noun;
  key: string;
  /** The part of the page to show, such as `logs`. */
  part?: string;
}

/** Where a line of code came from: a cell of a notebook. */
export interface CellPlace {
  notebook: string | null;
  cellId: string | null;
  /** From 1; null means the cell as a whole. */
  line?: number | null;
}

/** What all parts of the extension share: one client, one stream, one store for each browser tab. */
export interface IPanels {
  readonly client: Client;
  readonly stream: Stream;
  readonly jobs: JobStore;
  /** Ask for a page; whoever can show it is connected to `pageRequested`. */
  open(request: PageRequest): void;
  readonly pageRequested: ISignal<IPanels, PageRequest>;
  /** Ask for a cell to be shown; whoever can is connected to `cellRequested`. */
  showCell(place: CellPlace): void;
  readonly cellRequested: ISignal<IPanels, CellPlace>;
}

export const IPanels = new Token<IPanels>('mlmagic:IPanels', 'The jobs, models, endpoints and datasets of mlmagic.');
