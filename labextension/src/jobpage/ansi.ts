import { AnsiUp } from 'ansi_up';

/** A terminal's link: what is around its text. */
const LINK = /\u001b\]8;[^\u0007\u001b]*(?:\u0007|\u001b\\)/g;

/** A line with its colours as HTML. All that a program printed is escaped; of its links the text is shown. */
export function lineHtml(text: string): string {
  const converter = new AnsiUp();
  converter.escape_html = true;
  converter.use_classes = true;
  return converter.ansi_to_html(withoutOverprint(text).replace(LINK, ''));
}

/** What a terminal would show of a line that a progress bar printed over and over. */
export function withoutOverprint(text: string): string {
  const bare = text.endsWith('\r') ? text.slice(0, -1) : text;
  return bare.slice(bare.lastIndexOf('\r') + 1);
}
