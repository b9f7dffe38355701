import { cellsPlugin } from './plugins/cells';
import { corePlugin } from './plugins/core';
import { nounPagesPlugin } from './plugins/nounpages';
import { pagesPlugin } from './plugins/pages';
import { panelPlugin } from './plugins/panel';
import { rendererPlugin } from './plugins/renderer';

export default [corePlugin, panelPlugin, pagesPlugin, nounPagesPlugin, rendererPlugin, cellsPlugin];
