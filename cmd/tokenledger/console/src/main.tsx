// The console's entry: theme first, so that nothing flashes, then the program.
import { createRoot } from 'react-dom/client';
import { App } from './app';
import { SessionProvider } from './lib/session';
import { applyTheme } from './lib/theme';
import './style/index.css';

applyTheme();
createRoot(document.getElementById('root') as HTMLElement).render(<SessionProvider><App /></SessionProvider>);
