import { useRef, type KeyboardEvent } from 'react';

import { TABS, type TabName } from './model';

const LABELS: Record<TabName, string> = { jobs: 'Jobs', models: 'Models', endpoints: 'Endpoints', data: 'Data' };

interface Props {
  tab: TabName;
  prefix: string;
  onTab: (tab: TabName) => void;
}

/** The tabs of the panel. The arrow keys go from one to the next. */
export function TabList({ tab, prefix, onTab }: Props) {
  const list = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const at = TABS.indexOf(tab);
    const targets: Record<string, number> = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: TABS.length - 1 };
    const target = targets[event.key];
    if (target !== undefined) {
      const chosen = (target + TABS.length) % TABS.length;
      onTab(TABS[chosen]!);
      (list.current?.children[chosen] as HTMLElement).focus();
      event.preventDefault();
    }
  };
  return (
    <div ref={list} className="mlm-panel-tabs" role="tablist" aria-label="mlmagic" onKeyDown={onKeyDown}>
      {TABS.map(name => (
        <button
          key={name}
          type="button"
          role="tab"
          id={`${prefix}tab-${name}`}
          aria-controls={`${prefix}page`}
          aria-selected={name === tab}
          tabIndex={name === tab ? 0 : -1}
          data-mlm={`tab-${name}`}
          onClick={() => onTab(name)}
        >
          {LABELS[name]}
        </button>
      ))}
    </div>
  );
}
