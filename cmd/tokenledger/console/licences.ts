// A plugin of the build: gathers the licence texts of everything that ends up in the files that are served.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

// Fonts come in by the style sheet, which the module graph does not tell of.
const fonts = ['@fontsource-variable/inter', '@fontsource-variable/jetbrains-mono'];

export function licences(): Plugin {
  return {
    name: 'licences',
    generateBundle(_, bundle) {
      const packages = new Set(fonts);
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== 'chunk') continue;
        for (const id of Object.keys(chunk.modules)) {
          const name = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules)/.exec(id)?.[1];
          if (name) packages.add(name);
        }
      }
      const texts = [...packages].sort().map(name => {
        const folder = join('node_modules', name);
        const file = existsSync(folder) && readdirSync(folder).find(entry => /^licen[cs]e/i.test(entry));
        if (!file) throw new Error(`${name} is part of the build, and brings no licence`);
        return `${name}\n${'='.repeat(name.length)}\n\n${readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n').trim()}\n`;
      });
      this.emitFile({ type: 'asset', fileName: 'console/LICENSES.txt', source: `What the console is made of, and the licences of its parts.\n\n${texts.join('\n\n')}` });
    },
  };
}
