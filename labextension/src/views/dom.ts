type Child = Node | string | null;

/** Make an HTML element. Attributes that are undefined are left out; texts are texts, never markup. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | undefined>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) {
      made.setAttribute(name, value);
    }
  }
  made.append(...children.filter(child => child !== null));
  return made;
}

/** Make a button with its name and what it does. */
export function makeButton(name: string, action: string, act: () => void, title?: string): HTMLButtonElement {
  const attributes = { type: 'button', class: 'mlm-button', 'data-mlm': `action-${action}`, title };
  const made = make('button', attributes, name);
  made.addEventListener('click', act);
  return made;
}
