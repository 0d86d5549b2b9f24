// A report as a file, made by the service and saved by the browser.
import { useState } from 'react';
import { ask } from '../api/client';
import { ReportFileDocument, type ReportForm } from '../api/operations';
import { say } from '../lib/recorded';

const forms: [form: ReportForm, extension: string, type: string][] = [
  ['CSV', 'csv', 'text/csv'], ['JSON', 'json', 'application/json'], ['HTML', 'html', 'text/html'], ['PDF', 'pdf', 'application/pdf'],
];

/** Hands a file to the browser. */
export function save(name: string, data: Blob) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(data);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

type Props = { name: string; title: string; from?: string | null; to?: string | null; position?: number; token?: string; dormantDays?: number | null; overAgeDays?: number | null };

export function Downloads({ name, title, from = null, to = null, position, token, dormantDays = null, overAgeDays = null }: Props) {
  const [busy, setBusy] = useState(false);
  return (
    <span className="row" role="group" aria-label="Download">
      {forms.map(([form, extension, type]) => (
        <button key={form} className="button small" disabled={busy} onClick={() => {
          setBusy(true);
          ask(ReportFileDocument, { name, from, to, position: position ?? null, token: token ?? null, dormantDays, overAgeDays, form })
            .then(({ report: { content } }) => save(`${title}.${extension}`, new Blob([form === 'PDF' ? Uint8Array.from(atob(content), c => c.charCodeAt(0)) : content], { type })),
              (error: Error) => say(`The file could not be made: ${error.message}`))
            .finally(() => setBusy(false));
        }}>{form}</button>
      ))}
    </span>
  );
}
