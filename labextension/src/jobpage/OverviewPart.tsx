import { useCallback, useRef } from 'react';

import { ProblemBox } from '../panel/Notice';
import type { CellPlace, IPanels } from '../tokens';
import { Checkpoints } from './Checkpoints';
import { HtmlView } from './HtmlView';
import { Empty } from './Notices';
import { useOnScreen } from './hooks';
import type { PageData } from './pagedata';
import type { Places } from './places';

export interface OverviewPartProps {
  panels: IPanels;
  id: string;
  isLive: boolean;
  data: PageData;
  places: Places;
}

/** What the cell output shows, as it is now, and what the job can be gone on with. */
export function OverviewPart({ panels, id, isLive, data, places }: OverviewPartProps) {
  const host = useRef<HTMLDivElement>(null);
  const showCell = useCallback((place: CellPlace) => panels.showCell(place), [panels]);
  const isSeen = useOnScreen(host);
  return (
    <div className="mlm-page-part" ref={host}>
      {data.problem && <ProblemBox problem={data.problem} onRetry={data.refresh} />}
      {data.page ? (
        <HtmlView html={data.page.html} places={places} onShowCell={showCell} />
      ) : (
        !data.problem && <Empty isLoading>…</Empty>
      )}
      {data.page && <Checkpoints panels={panels} id={id} isLive={isLive} isSeen={isSeen} />}
    </div>
  );
}
