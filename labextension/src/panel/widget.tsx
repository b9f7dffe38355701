import { ReactWidget } from '@jupyterlab/apputils';
import type { CommandRegistry } from '@lumino/commands';
import type { Message } from '@lumino/messaging';

import { Boundary } from '../views/Boundary';
import { panelIcon } from './icon';
import type { PanelModel } from './model';
import { Panel } from './Panel';

export const PANEL_ID = 'mlmagic-panel';

/** The panel at the side. Out of sight it asks for nothing. */
export class PanelWidget extends ReactWidget {
  constructor(
    readonly model: PanelModel,
    private readonly _commands: CommandRegistry
  ) {
    super();
    this.id = PANEL_ID;
    this.addClass('mlm-root');
    this.addClass('mlm-panel');
    this.title.icon = panelIcon;
    this.title.caption = 'mlmagic: jobs, models, endpoints and data';
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'mlmagic');
    this.node.dataset['mlm'] = 'panel';
  }

  protected override render() {
    return (
      <Boundary what="The panel">
        <Panel model={this.model} commands={this._commands} />
      </Boundary>
    );
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.model.isVisible = true;
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.model.isVisible = false;
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.model.isVisible = this.isVisible;
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.node.querySelector<HTMLElement>('[role=tab][aria-selected=true]')?.focus();
  }
}
