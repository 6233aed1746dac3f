// A page that fails says so and lets the others live.
import { Component } from "react";
import type { ReactNode } from "react";
import { Button } from "../ui";
import { say } from "../words";

export class ErrorBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }

  override render(): ReactNode {
    if (!this.state.error) return this.props.children;
    return (
      <div className="state-block" role="alert">
        <strong>{say("crashed")}</strong>
        <code className="small">{this.state.error.message}</code>
        <Button onClick={() => location.reload()}>{say("reload")}</Button>
      </div>
    );
  }
}
