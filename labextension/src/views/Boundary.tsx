import { Component, type ErrorInfo, type ReactNode } from 'react';

interface Props {
  /** What cannot be shown where something in it breaks: `The jobs`. */
  what: string;
  children: ReactNode;
}

interface State {
  error: Error | null;
}

/** Keeps a mistake in one view from taking others with it: React unmounts whatever it finds no boundary around. */
export class Boundary extends Component<Props, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: unknown): State {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override componentDidCatch(error: Error, { componentStack }: ErrorInfo): void {
    console.error(`mlmagic: ${this.props.what} cannot be shown`, error, componentStack);
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) {
      return this.props.children;
    }
    return (
      <div className="mlm-error" data-mlm="broken" role="alert">
        <p>
          {this.props.what} cannot be shown, which is a mistake of mlmagic: {error.message}
        </p>
        <button type="button" className="mlm-button" onClick={() => this.setState({ error: null })}>
          Try again
        </button>
      </div>
    );
  }
}
