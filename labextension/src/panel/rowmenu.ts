import { CommandRegistry } from '@lumino/commands';
import { Menu } from '@lumino/widgets';

import { openMenu } from './commands';
import type { RowAction } from './NounGrid';

/** Open a menu of what can be done with one row. */
export function openRowMenu(actions: readonly RowAction[], x: number, y: number): void {
  const commands = new CommandRegistry();
  const menu = new Menu({ commands });
  for (const { label, mark, isEnabled, execute } of actions) {
    commands.addCommand(mark, { label, execute, isEnabled: () => isEnabled, dataset: () => ({ mlm: mark }) });
    menu.addItem({ command: mark });
  }
  openMenu(menu, x, y);
}
