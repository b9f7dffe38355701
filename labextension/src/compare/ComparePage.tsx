import { useMemo, useRef } from 'react';

import { CurvesPart } from '../jobpage/CurvesPart';
import { HtmlView } from '../jobpage/HtmlView';
import { Empty } from '../jobpage/Notices';
import { useConnected, useOnScreen } from '../jobpage/hooks';
import { ProblemBox } from '../panel/Notice';
import type { IPanels } from '../tokens';
import type { Comparison } from '../types';
import { useComparison } from './comparison';

export interface ComparePageProps {
  panels: IPanels;
  /** Several jobs, or one study, which means its trials. */
  ids: readonly string[];
  onBoard: (ids: readonly string[]) => void;
}

/** Of more jobs nobody could tell the curves apart. */
const MOST_CURVES = 20;

/** Jobs side by side: the flags in which they differ, their metrics, their curves in the same charts. */
export function ComparePage({ panels, ids, onBoard }: ComparePageProps) {
  const host = useRef<HTMLDivElement>(null);
  const { page, problem, gone, refresh } = useComparison(panels, ids, useOnScreen(host));
  const isConnected = useConnected(panels.stream);
  const compared = ((page?.bundle as unknown as Comparison | undefined)?.jobs ?? []).map(job => job.id).join();
  const drawn = useMemo(() => compared.split(',').filter(id => id !== ''), [compared]);
  const isAnyLeft = gone.length < ids.length;
  return (
    <div className="mlm-root mlm-page" data-mlm="compare-page" ref={host}>
      <div className="mlm-page-header">
        <div className="mlm-page-line">
          <h1 className="mlm-page-title">Comparison</h1>
          <div className="mlm-page-actions">
            <button
              type="button"
              className="mlm-button"
              data-mlm="action-board"
              disabled={!isConnected || drawn.length === 0}
              onClick={() => onBoard(drawn)}
            >
              TensorBoard
            </button>
          </div>
        </div>
        {!isConnected && (
          <div className="mlm-page-notice" data-mlm="disconnected" role="status">
            ↻ Not connected to the Jupyter server: trying again. What is shown may be old.
          </div>
        )}
      </div>
      <div className="mlm-tab-panel" tabIndex={0} role="region" aria-label="Jobs side by side">
        {gone.length > 0 && <Gone ids={gone} isAnyLeft={isAnyLeft} />}
        {isAnyLeft && problem && <ProblemBox problem={problem} onRetry={refresh} />}
        {isAnyLeft && (page ? <HtmlView html={page.html} /> : !problem && <Empty isLoading>…</Empty>)}
        {isAnyLeft && drawn.length > 0 && (
          <section aria-label="Curves">
            <h2 className="mlm-page-heading">Curves</h2>
            {drawn.length > MOST_CURVES && (
              <Empty>{`The first ${MOST_CURVES} of ${drawn.length} jobs are drawn.`}</Empty>
            )}
            <CurvesPart panels={panels} ids={drawn.slice(0, MOST_CURVES)} />
          </section>
        )}
      </div>
    </div>
  );
}

function Gone({ ids, isAnyLeft }: { ids: readonly string[]; isAnyLeft: boolean }) {
  const told =
    ids.length === 1
      ? `${ids[0]} is not there any more: it was deleted,`
      : `${ids.join(', ')} are not there any more: they were deleted,`;
  const where = ids.length === 1 ? 'or it is in another workspace.' : 'or they are in another workspace.';
  return (
    <div className="mlm-page-notice" data-mlm="gone" role="status">
      {`✗ ${told} ${where} ${isAnyLeft ? 'The others are compared.' : 'Choose others in the panel, and compare these.'}`}
    </div>
  );
}
