/** What a piece of source is, by the names of Jupyter's editor colours. */
export type Word = 'keyword' | 'string' | 'comment' | 'number' | 'def' | '';

export interface SourcePiece {
  text: string;
  word: Word;
}

const KEYWORDS =
  'False|None|True|and|as|assert|async|await|break|class|continue|def|del|elif|else|except|finally|for|from|global|if|' +
  'import|in|is|lambda|match|nonlocal|not|or|pass|raise|return|try|while|with|yield';
const PIECE = new RegExp(
  [
    /(?<string>[rbfuRBFU]{0,2}(?:"""[^]*?(?:"""|$)|'''[^]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?))/
      .source,
    /(?<comment>#[^\n]*)/.source,
    /(?<def>(?<=\b(?:def|class)\s+)\w+)/.source,
    `(?<keyword>\\b(?:${KEYWORDS})\\b)`,
    /(?<number>\b(?:0[xXoObB][\da-fA-F_]+|\d[\d_]*\.?[\d_]*(?:[eE][+-]?\d+)?)\b)/.source
  ].join('|'),
  'g'
);

/** The lines of a Python source in pieces of one colour; a text of several lines goes on in each of them. */
export function pythonLines(source: string): SourcePiece[][] {
  const lines: SourcePiece[][] = [[]];
  const add = (text: string, word: Word): void =>
    text.split('\n').forEach((part, index) => {
      if (index > 0) {
        lines.push([]);
      }
      if (part) {
        lines.at(-1)!.push({ text: part, word });
      }
    });
  let end = 0;
  for (const match of source.matchAll(PIECE)) {
    add(source.slice(end, match.index), '');
    const [word] = Object.entries(match.groups!).find(([, text]) => text !== undefined)!;
    add(match[0], word as Word);
    end = match.index + match[0].length;
  }
  add(source.slice(end), '');
  return lines;
}

/** The lines of any other text. */
export function plainLines(source: string): SourcePiece[][] {
  return source.split('\n').map(line => [{ text: line, word: '' }]);
}
