import type { ReactNode } from 'react';

/** What is shown where there is nothing: why, and what to do. */
export function Empty({ children, isLoading = false }: { children: ReactNode; isLoading?: boolean }) {
  return (
    <div className="mlm-empty mlm-faint" data-mlm={isLoading ? 'loading' : 'empty'} role="status">
      {isLoading ? 'Loading…' : children}
    </div>
  );
}
