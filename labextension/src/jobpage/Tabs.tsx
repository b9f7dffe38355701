import { useRef, type KeyboardEvent, type ReactNode } from 'react';

export interface Tab {
  key: string;
  title: string;
  body: () => ReactNode;
}

export interface TabsProps {
  id: string;
  label: string;
  tabs: readonly Tab[];
  chosen: string;
  onChoose: (key: string) => void;
}

/** Parts of a page. One that was looked at stays as it was left, and does nothing while it is out of sight. */
export function Tabs({ id, label, tabs, chosen, onChoose }: TabsProps) {
  const seen = useRef(new Set<string>());
  seen.current.add(chosen);
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent): void => {
    const at = tabs.findIndex(tab => tab.key === chosen);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      const next = (to + tabs.length) % tabs.length;
      onChoose(tabs[next]!.key);
      (list.current?.children[next] as HTMLElement | undefined)?.focus();
    }
  };
  return (
    <>
      <div className="mlm-tabs" role="tablist" aria-label={label} ref={list} onKeyDown={move}>
        {tabs.map(({ key, title }) => (
          <button
            key={key}
            type="button"
            role="tab"
            id={`${id}-tab-${key}`}
            className="mlm-tab"
            data-mlm={`page-tab-${key}`}
            aria-selected={key === chosen}
            aria-controls={seen.current.has(key) ? `${id}-part-${key}` : undefined}
            tabIndex={key === chosen ? 0 : -1}
            onClick={() => onChoose(key)}
          >
            {title}
          </button>
        ))}
      </div>
      {tabs
        .filter(({ key }) => seen.current.has(key))
        .map(({ key, body }) => (
          <div
            key={key}
            role="tabpanel"
            id={`${id}-part-${key}`}
            className="mlm-tab-panel"
            data-mlm={`page-part-${key}`}
            aria-labelledby={`${id}-tab-${key}`}
            // It scrolls, and may have nothing in it that keys reach.
            tabIndex={0}
            hidden={key !== chosen}
          >
            {body()}
          </div>
        ))}
    </>
  );
}
