import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Widget } from '@lumino/widgets';

import { make } from '../views/dom';
import { mountHtml } from '../views/mount';
import { contentOf } from './saved';

/** An output that does not move: the HTML that lies beside our own type, be the notebook trusted or not. */
export class StaticOutput extends Widget implements IRenderMime.IRenderer {
  constructor() {
    super();
    this.addClass('mlm-output');
    this.node.dataset.mlm = 'output';
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    mountSaved(this.node, model);
  }
}

/** Show what was saved in a notebook; the text where there is no HTML. */
export function mountSaved(host: HTMLElement, model: IRenderMime.IMimeModel): void {
  const html = contentOf(model, 'text/html');
  if (html !== '') {
    mountHtml(host, html);
  } else {
    host.replaceChildren(make('pre', {}, contentOf(model, 'text/plain')));
  }
}
