// A command in a dialog: what it does, what it needs, its button; it closes when the log has it. What is given cannot be
// called off, so its dialog stays until the outcome is known: it may be a value that is shown this once.
import { useState, type ReactNode } from 'react';
import type { Refused } from '../api/client';
import { Dialog, Field, Problem } from './parts';

type Props = {
  title: string; close: () => void; button: string; danger?: boolean; wide?: boolean;
  /** Gives the command; what it answers is nothing where it was refused. */
  run: () => Promise<unknown>; error?: Refused; pending: boolean; blocked?: boolean; children?: ReactNode;
};

export function Act({ title, close, button, danger, wide, run, error, pending, blocked, children }: Props) {
  return (
    <Dialog title={title} close={close} held={pending} wide={wide}>
      <form method="dialog" onSubmit={event => {
        event.preventDefault();
        void run().then(done => { if (done) close(); });
      }}>
        <h2>{title}</h2>
        {children}
        {error && <Problem error={error} />}
        <div className="actions">
          <button type="button" className="button" disabled={pending} onClick={close}>Cancel</button>
          <button className={danger ? 'button danger solid' : 'button primary'} disabled={pending || blocked}>{button}</button>
        </div>
      </form>
    </Dialog>
  );
}

/** What is shown this once: only whoever says that he has it closes it. */
export function Once({ title, close, wide, children }: { title: string; close: () => void; wide?: boolean; children: ReactNode }) {
  return (
    <Dialog title={title} close={close} held wide={wide}>
      <div className="inner">{children}<div className="actions"><button className="button primary" onClick={close}>I have it</button></div></div>
    </Dialog>
  );
}

/** Why: it stands in clear in the audit trail, and says so. */
export function useReason(needed = true) {
  const [reason, set] = useState('');
  return {
    reason: reason.trim() || null, missing: needed && !reason.trim(),
    field: (
      <Field id="reason" label={needed ? 'Reason' : 'Reason, if you like'} hint="It stands in clear in the audit trail, for good.">
        <input id="reason" value={reason} onChange={event => set(event.target.value)} maxLength={500} required={needed} aria-describedby="reason-hint" autoFocus />
      </Field>
    ),
  };
}

/** Texts, one after the other, divided by spaces or commas. */
export const words = (text: string) => text.split(/[\s,]+/).filter(Boolean);
