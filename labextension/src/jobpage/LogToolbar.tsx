import { useState, type KeyboardEvent, type RefObject } from 'react';

import type { LogSource, Severity } from '../types';
import type { LogQuery } from './logsearch';

export interface LogToolbarProps {
  sources: readonly LogSource[];
  replica: string;
  onReplica: (replica: string) => void;
  query: LogQuery;
  onQuery: (query: LogQuery) => void;
  /** What was found, in words. */
  found: string;
  /** Move by so many of what was found. */
  onMove: (by: number) => void;
  isFollowing: boolean;
  onFollow: (isFollowing: boolean) => void;
  /** A line by its number from 1. */
  onGo: (line: number) => void;
  searchBox: RefObject<HTMLInputElement>;
}

const SEVERITIES: readonly (readonly [Severity | '', string])[] = [
  ['', 'All lines'],
  ['error', 'Errors'],
  ['warning', 'Warnings'],
  ['info', 'Infos']
];

/** What is above a log: replica, search, severity, line, follow. */
export function LogToolbar(props: LogToolbarProps) {
  const { query, onQuery, isFollowing } = props;
  return (
    <div className="mlm-bar" role="group" aria-label="Log">
      <ReplicaChoice {...props} />
      <SearchBox {...props} />
      <select
        className="mlm-input"
        aria-label="Severity"
        data-mlm="log-severity"
        value={query.severity}
        onChange={event => onQuery({ ...query, severity: event.target.value as Severity | '' })}
      >
        {SEVERITIES.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      <GoToLine onGo={props.onGo} />
      <button
        type="button"
        className="mlm-button"
        data-mlm="log-follow"
        aria-pressed={isFollowing}
        title="Stay at the end as lines come"
        onClick={() => props.onFollow(!isFollowing)}
      >
        {isFollowing ? '✓ ' : ''}Follow
      </button>
    </div>
  );
}

function ReplicaChoice({ sources, replica, onReplica }: LogToolbarProps) {
  if (sources.length < 2) {
    return null;
  }
  return (
    <select
      className="mlm-input"
      aria-label="Replica"
      data-mlm="log-replica"
      value={replica}
      onChange={event => onReplica(event.target.value)}
    >
      {sources.map(source => (
        <option key={source.replica}>{source.replica}</option>
      ))}
    </select>
  );
}

function SearchBox({ query, onQuery, found, onMove, searchBox }: LogToolbarProps) {
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === 'Enter') {
      event.preventDefault();
      onMove(event.shiftKey ? -1 : 1);
    } else if (event.key === 'Escape' && query.text) {
      event.stopPropagation();
      onQuery({ ...query, text: '' });
    }
  };
  return (
    <span className="mlm-log-search" role="search">
      <input
        type="search"
        className="mlm-input"
        data-mlm="log-search"
        placeholder="Search the log"
        aria-label="Search the log"
        title="Enter: next, Shift+Enter: previous"
        value={query.text}
        ref={searchBox}
        onChange={event => onQuery({ ...query, text: event.target.value })}
        onKeyDown={onKey}
      />
      <button
        type="button"
        className="mlm-button"
        aria-pressed={query.isCaseSensitive}
        aria-label="Match case"
        title="Match case"
        onClick={() => onQuery({ ...query, isCaseSensitive: !query.isCaseSensitive })}
      >
        Aa
      </button>
      {query.text !== '' && (
        <>
          <button
            type="button"
            className="mlm-button"
            aria-label="Previous"
            title="Previous"
            onClick={() => onMove(-1)}
          >
            ↑
          </button>
          <button type="button" className="mlm-button" aria-label="Next" title="Next" onClick={() => onMove(1)}>
            ↓
          </button>
        </>
      )}
      <span className="mlm-faint" data-mlm="log-found" role="status">
        {found}
      </span>
    </span>
  );
}

function GoToLine({ onGo }: { onGo: (line: number) => void }) {
  const [text, setText] = useState('');
  return (
    <form
      className="mlm-log-go"
      onSubmit={event => {
        event.preventDefault();
        if (/^\d+$/.test(text)) {
          onGo(Number(text));
        }
      }}
    >
      <input
        className="mlm-input"
        data-mlm="log-go"
        inputMode="numeric"
        pattern="[0-9]*"
        size={7}
        placeholder="Line"
        aria-label="Go to line"
        title="Go to line: a number and Enter"
        value={text}
        onChange={event => setText(event.target.value)}
      />
    </form>
  );
}
