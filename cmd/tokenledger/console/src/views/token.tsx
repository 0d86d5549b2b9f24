// One token: what it is, what it did, and who did what to it.
import { TokenDocument } from '../api/operations';
import { useAnswer } from '../lib/query';
import { usePlace } from '../lib/router';
import { Time } from '../lib/time';
import { Head, Panel, Shown, Status, Tags } from '../ui/parts';
import { Timeline } from './timeline';

export default function Token() {
  const { segments } = usePlace();
  const id = segments[1] ?? '';
  const answer = useAnswer(TokenDocument, { id, asOf: null });
  return (
    <Shown of={answer} what="The token">
      {({ apiToken: token }) => (
        <>
          <Head title={token.name} lead={token.description ?? undefined} />
          <div className="columns">
            <Panel title="Timeline" bare><Timeline id={token.id} /></Panel>
            <Panel title="Token">
              <dl className="facts">
                <dt>State</dt><dd><Status is={token.status} /></dd>
                <dt>Scopes</dt><dd><Tags of={token.scopes} /></dd>
                <dt>Value</dt><dd className="mono">{token.token}</dd>
                <dt>Id</dt><dd className="mono">{token.id}</dd>
                <dt>Created</dt><dd><Time at={token.createdAt} as="full" /></dd>
                <dt>Ends</dt><dd>{token.expiresAt ? <Time at={token.expiresAt} as="full" /> : 'no deadline'}</dd>
              </dl>
            </Panel>
          </div>
        </>
      )}
    </Shown>
  );
}
