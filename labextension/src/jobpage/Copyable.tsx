import { Clipboard } from '@jupyterlab/apputils';
import { useState } from 'react';

/** Something to be typed elsewhere, with a button that copies it. */
export function Copyable({ title, text }: { title: string; text: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = (): void => {
    Clipboard.copyToSystem(text);
    setCopied(true);
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
