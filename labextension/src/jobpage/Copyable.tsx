import { Clipboard } from '@jupyterlab/apputils';
import { useState } from 'react';

/** How long it is told that something was copied, in milliseconds. */
const COPIED_PAUSE = 2_000;

/** Something to be typed elsewhere, with a button that copies it. */
export function Copyable({ title, text }: { title: string; text: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = (): void => {
    Clipboard.copyToSystem(text);
    setCopied(true);
    window.setTimeout(() => setCopied(false), COPIED_PAUSE);
  };
  return (
    <section aria-label={title}>
      <h2 className="mlm-page-heading">
        {title}{' '}
        <button type="button" className="mlm-button" aria-label={`Copy: ${title}`} onClick={copy}>
          {isCopied ? '✓ Copied' : 'Copy'}
        </button>
      </h2>
      <pre className="mlm-page-command" tabIndex={0}>
        {text}
      </pre>
    </section>
  );
}
