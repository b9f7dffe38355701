import { useId, useMemo, useRef, useState } from 'react';

import { isFinal } from '../panel/states';
import type { IPanels } from '../tokens';
import type { JobRow } from '../types';
import { CodePart } from './CodePart';
import { CurvesPart } from './CurvesPart';
import { Header } from './Header';
import { LogPart } from './LogPart';
import { Empty } from './Notices';
import { OverviewPart } from './OverviewPart';
import { Tabs, type Tab } from './Tabs';
import { TrialsPart } from './TrialsPart';
import { UsagePart } from './UsagePart';
import { useConnected, useOnScreen, useRow, useSignal } from './hooks';
import { usePage } from './pagedata';
import type { PagePart } from './pagepart';
import { Places, type SourceMap } from './places';
import type { Machines } from './usagelines';

export interface JobPageProps {
  panels: IPanels;
  id: string;
  part: PagePart;
  onBoard: (ids: readonly string[]) => void;
}

/** Parts that show what the server renders. */
const RENDERED: ReadonlySet<string> = new Set(['overview', 'trials']);
const NO_MACHINES: Machines = {};

/** The page of one job. */
export function JobPage({ panels, id, part, onBoard }: JobPageProps) {
  const host = useRef<HTMLDivElement>(null);
  const { row, isGone } = useRow(panels, id);
  const isConnected = useConnected(panels.stream);
  return (
    <div className="mlm-root mlm-page" data-mlm="job-page" data-job-id={id} ref={host}>
      {row ? (
        <Known
          panels={panels}
          id={id}
          part={part}
          row={row}
          isGone={isGone}
          isConnected={isConnected}
          onBoard={onBoard}
        />
      ) : isGone ? (
        <Empty>
          There is no job {id}: it was deleted, or it is in another workspace. The panel lists those that are there.
        </Empty>
      ) : (
        <Empty isLoading={isConnected}>Not connected to the Jupyter server: trying again.</Empty>
      )}
    </div>
  );
}

interface KnownProps extends JobPageProps {
  row: JobRow;
  isGone: boolean;
  isConnected: boolean;
}

function Known({ panels, id, part, row, isGone, isConnected, onBoard }: KnownProps) {
  const names = useId();
  const host = useRef<HTMLDivElement>(null);
  const [chosen, choose] = useState(part.value);
  useSignal(part.changed, choose);
  const isBehind = !RENDERED.has(chosen);
  const data = usePage(panels, id, row, useOnScreen(host) && !isGone, isBehind);
  const isLive = !isFinal(row.summary.state) && !isGone;
  const bundle = data.page?.bundle;
  // The page is made anew now and then; what does not change in it is compared by its text.
  const sourceMap = JSON.stringify(bundle?.sourceMap ?? {});
  const origin = JSON.stringify(row.origin);
  const places = useMemo(() => new Places(JSON.parse(origin), JSON.parse(sourceMap) as SourceMap), [origin, sourceMap]);
  const machines = (bundle?.machines as Machines | undefined) ?? NO_MACHINES;
  const tabs: Tab[] = [
    {
      key: 'overview',
      title: 'Overview',
      body: () => <OverviewPart panels={panels} id={id} isLive={isLive} data={data} places={places} />
    },
    ...(row.summary.kind === 'tuning'
      ? [{ key: 'trials', title: 'Trials', body: () => <TrialsPart panels={panels} data={data} /> }]
      : []),
    { key: 'logs', title: 'Logs', body: () => <LogPart panels={panels} id={id} isLive={isLive} places={places} /> },
    { key: 'curves', title: 'Curves', body: () => <CurvesPart panels={panels} ids={[id]} /> },
    {
      key: 'usage',
      title: 'Usage',
      body: () => <UsagePart panels={panels} id={id} isLive={isLive} machines={machines} />
    },
    { key: 'code', title: 'Code', body: () => <CodePart panels={panels} id={id} places={places} bundle={bundle} /> }
  ];
  const shown = tabs.some(tab => tab.key === chosen) ? chosen : 'overview';
  return (
    <div className="mlm-page-known" ref={host}>
      <Header
        panels={panels}
        row={row}
        isGone={isGone}
        isConnected={isConnected}
        places={places}
        onBoard={() => onBoard([id])}
      />
      <Tabs id={names} label="Parts of the job" tabs={tabs} chosen={shown} onChoose={key => part.set(key)} />
    </div>
  );
}
