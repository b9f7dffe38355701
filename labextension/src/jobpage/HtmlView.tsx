import { useLayoutEffect, useRef } from 'react';

import type { CellPlace } from '../tokens';
import { mountHtml } from '../views/mount';
import { linkMentions, type Places } from './places';

export interface HtmlViewProps {
  html: string;
  places?: Places;
  onShowCell?: (place: CellPlace) => void;
}

/** A page as the server made it; cells that it mentions are links. */
export function HtmlView({ html, places, onShowCell }: HtmlViewProps) {
  const host = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (host.current) {
      mountHtml(host.current, html);
      if (places && onShowCell) {
        linkMentions(host.current, places, onShowCell);
      }
    }
  }, [html, places, onShowCell]);
  return <div className="mlm-page-html" ref={host} />;
}
