import { useMemo, useState } from 'react';

import { BackendMark, StateMark } from '../panel/StateMark';
import { JobActions } from '../panel/actions';
import { bytes, duration, number, old, percent, rough, roughly, secondsBetween } from '../panel/formats';
import { isFinal, kindWord } from '../panel/states';
import type { IPanels } from '../tokens';
import type { JobRow } from '../types';
import { useNow } from './hooks';
import type { Places } from './places';
import { nameOf } from './rows';

export interface HeaderProps {
  panels: IPanels;
  row: JobRow;
  isGone: boolean;
  isConnected: boolean;
  places: Places;
  onBoard: () => void;
}

/** What a job is, how far it is, and what can be done with it. */
export function Header(props: HeaderProps) {
  const { row, isGone, isConnected } = props;
  const { summary } = row;
  return (
    <div className="mlm-page-header">
      <div className="mlm-page-line">
        <StateMark state={summary.state} />
        <h1 className="mlm-page-title">{nameOf(summary.id, row)}</h1>
        <span className="mlm-faint">{kindWord(summary.kind)}</span>
        <BackendMark backend={summary.backend} />
        <code className="mlm-page-id">{summary.id}</code>
        <Actions {...props} />
      </div>
      <Facts row={row} />
      {row.trouble !== undefined && !isGone && (
        <div className="mlm-page-notice" data-mlm="trouble" role="status">
          ↻ {old(row.trouble)}
        </div>
      )}
      {isGone && (
        <div className="mlm-page-notice" data-mlm="gone" role="alert">
          ✗ This job was deleted. What was read before is still shown; its logs and curves are gone.
        </div>
      )}
      {!isConnected && (
        <div className="mlm-page-notice" data-mlm="disconnected" role="status">
          ↻ Not connected to the Jupyter server: trying again. What is shown may be old.
        </div>
      )}
    </div>
  );
}

function Facts({ row }: { row: JobRow }) {
  const { summary, fraction, etaSeconds, headline, cores, memoryBytes } = row;
  const isOver = isFinal(summary.state);
  const now = useNow(!isOver);
  const seconds = secondsBetween(summary.startTime ?? summary.createTime, summary.endTime, now);
  const told = [
    `${isOver ? 'took' : summary.startTime ? 'running for' : 'waiting for'} ${duration(seconds)}`,
    row.waitingFor,
    row.note,
    etaSeconds !== undefined && !isOver ? `about ${roughly(etaSeconds)} left` : undefined,
    headline && `${headline.name} ${number(headline.value)}`,
    cores !== undefined && !isOver ? `${rough(cores)} cores` : undefined,
    memoryBytes !== undefined && !isOver ? bytes(memoryBytes) : undefined,
    summary.modelVersion ?? summary.datasetVersion,
    summary.attempt > 1 ? `try ${summary.attempt}` : undefined
  ];
  return (
    <>
      <div className="mlm-page-line mlm-faint" data-mlm="facts">
        {told.filter(part => part).join(' · ')}
      </div>
      {fraction !== undefined && !isOver && <Progress fraction={Number(fraction)} />}
      {summary.error && <div className="mlm-page-error">{summary.error}</div>}
    </>
  );
}

function Progress({ fraction }: { fraction: number }) {
  return (
    <div className="mlm-page-line">
      <progress className="mlm-page-progress" value={fraction} max={1} aria-label="Progress" />
      <span>{percent(fraction)}</span>
    </div>
  );
}

function Actions({ panels, row, isGone, isConnected, places, onBoard }: HeaderProps) {
  const actions = useMemo(() => new JobActions(panels), [panels]);
  const { id, state, kind, parent } = row.summary;
  const { origin } = row;
  const cell = origin.cellNumber === undefined ? null : places.ofCell(origin.cellNumber, null);
  const ends = state === 'CANCELLING' || isFinal(state);
  const [isBusy, setBusy] = useState(false);
  const can = isConnected && !isGone && !isBusy;
  // Pressed twice, it would be done twice.
  const act = async (action: Promise<void>): Promise<void> => {
    setBusy(true);
    await action;
    setBusy(false);
  };
  return (
    <div className="mlm-page-actions" role="group" aria-label="Actions">
      {cell && <Action mark="cell" label="Show cell" isOn onClick={() => panels.showCell(cell)} />}
      {parent && <Action mark="study" label="Study" isOn onClick={() => panels.open({ noun: 'job', key: parent })} />}
      {kind === 'tuning' && (
        <Action
          mark="compare"
          label="Compare trials"
          isOn={can}
          onClick={() => panels.open({ noun: 'compare', key: id })}
        />
      )}
      <Action mark="board" label="TensorBoard" isOn={can} onClick={onBoard} />
      <Action mark="rerun" label="Run again" isOn={can} onClick={() => void act(actions.rerun([id]))} />
      {!ends && <Action mark="cancel" label="Cancel…" isOn={can} onClick={() => void act(actions.cancel([id]))} />}
      {isFinal(state) && (
        <Action mark="delete" label="Delete…" isOn={can} onClick={() => void act(actions.delete([id]))} />
      )}
    </div>
  );
}

interface ActionProps {
  mark: string;
  label: string;
  isOn: boolean;
  onClick: () => void;
}

function Action({ mark, label, isOn, onClick }: ActionProps) {
  return (
    <button type="button" className="mlm-button" data-mlm={`action-${mark}`} disabled={!isOn} onClick={onClick}>
      {label}
    </button>
  );
}
