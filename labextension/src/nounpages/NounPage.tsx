import { ReactWidget } from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';

import type { IPanels } from '../tokens';
import { Boundary } from '../views/Boundary';
import { DatasetView } from './DatasetView';
import { EndpointView } from './EndpointView';
import { ModelView } from './ModelView';

export type PageNoun = 'model' | 'endpoint' | 'dataset';

/** What a page is about: `taxi`, or `taxi@2` and then that version. */
export interface Reference {
  name: string;
  version: number | null;
}

export function readReference(key: string): Reference {
  const [, name, version] = /^(.*?)(?:@(\d+))?$/s.exec(key) ?? [];
  return { name: name ?? key, version: version === undefined ? null : Number(version) };
}

/** The page of a model, an endpoint or a dataset. */
export class NounPage extends ReactWidget {
  private _version: number | null;

  constructor(
    private readonly _panels: IPanels,
    readonly noun: PageNoun,
    readonly name: string,
    private readonly _onGone: () => void
  ) {
    super();
    this._version = null;
    this.addClass('mlm-root');
    this.addClass('mlm-noun-page');
  }

  /** Show one version; null shows the one that is meant without a number. */
  showVersion(version: number | null): void {
    this._version = version;
    this.update();
  }

  protected override render(): ReactElement {
    return <Boundary what="This page">{this._view()}</Boundary>;
  }

  private _view(): ReactElement {
    const shared = { panels: this._panels, name: this.name };
    switch (this.noun) {
      case 'model':
        return <ModelView {...shared} version={this._version} onGone={this._onGone} />;
      case 'endpoint':
        return <EndpointView {...shared} onGone={this._onGone} />;
      case 'dataset':
        return <DatasetView {...shared} version={this._version} />;
    }
  }
}
