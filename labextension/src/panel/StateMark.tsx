import { sign, word, type AnyState } from './states';

/** Where a job or an endpoint runs, if not on this machine. */
export function BackendMark({ backend }: { backend: string }) {
  return backend === 'local' || backend === 'memory' ? null : (
    <span className="mlm-backend" data-mlm="backend" title={`Runs on the backend ${backend}`}>
      {backend}
    </span>
  );
}

/** A state by its sign and its word. */
export function StateMark({ state }: { state: AnyState }) {
  return (
    <span className="mlm-state" data-mlm="state" data-state={state}>
      <span aria-hidden="true">{sign(state)}</span>
      <span className="mlm-state-word">{word(state)}</span>
    </span>
  );
}
