import { copyIcon } from '@jupyterlab/ui-components';
import type { ReactNode } from 'react';

import type { Problem } from '../types';
import { copy } from './actions';

/** A command to be typed into a notebook. */
export function Command({ text }: { text: string }) {
  return (
    <span className="mlm-command">
      <code>{text}</code>
      <button
        type="button"
        className="mlm-icon-button"
        title="Copy"
        aria-label={`Copy ${text}`}
        onClick={() => copy(text)}
      >
        <copyIcon.react tag="span" height="14px" width="14px" />
      </button>
    </span>
  );
}

/** What to do where there is nothing yet. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="mlm-empty" data-mlm="empty">
      <p className="mlm-empty-title">{title}</p>
      {children}
    </div>
  );
}

/** The two lines of a notebook that make the first one of something. */
export function FirstSteps({ does, command }: { does: string; command: string }) {
  return (
    <>
      <p>{does}</p>
      <Command text={command} />
      <p className="mlm-faint">Once in each notebook, before it:</p>
      <Command text="%load_ext mlmagic" />
    </>
  );
}

/** Why something cannot be shown, and what to do about it. */
export function ProblemBox({ problem, onRetry }: { problem: Problem; onRetry?: () => void }) {
  return (
    <div className="mlm-error" data-mlm="error" role="alert">
      <p>{problem.message}</p>
      {problem.problems !== undefined && problem.problems.length > 0 && (
        <ul>
          {problem.problems.map(line => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
      {problem.hint !== undefined && <p className="mlm-hint">{problem.hint}</p>}
      {onRetry !== undefined && (
        <button type="button" className="mlm-button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
