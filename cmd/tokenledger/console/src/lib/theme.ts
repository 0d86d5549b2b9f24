// Light or dark: as the system says, unless the reader chose otherwise in this browser.
import { remember, remembered } from './store';

export type Theme = 'system' | 'light' | 'dark';
const dark = window.matchMedia('(prefers-color-scheme: dark)');

export const theme = (): Theme => remembered<Theme>('theme', 'system');

export function applyTheme(choice: Theme = theme()) {
  document.documentElement.dataset.theme = choice === 'system' ? (dark.matches ? 'dark' : 'light') : choice;
  window.dispatchEvent(new Event('themed'));
}
dark.addEventListener('change', () => applyTheme());

export function chooseTheme(choice: Theme) {
  remember('theme', choice);
  applyTheme(choice);
}
