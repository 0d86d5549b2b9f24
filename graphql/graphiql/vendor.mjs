// Fetches the libraries of the GraphiQL page from the npm registry into vendored/, with their licences and checksums.
// Run it with `node vendor.mjs` in this folder after changing a version below; see README.md.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const versions = {
  'graphiql': '4.1.2', // the last line with a build for a plain script tag
  '@graphiql/plugin-explorer': '4.0.6',
  'react': '18.2.0', // 19 has no such build any more
  'react-dom': '18.2.0',
  'graphql': '16.11.0', // named so that npm needs no choice; it is part of graphiql's build
};
const files = {
  'react.production.min.js': 'react/umd/react.production.min.js',
  'react-dom.production.min.js': 'react-dom/umd/react-dom.production.min.js',
  'graphiql.min.js': 'graphiql/graphiql.min.js',
  'graphiql.min.css': 'graphiql/graphiql.min.css',
  'plugin-explorer.umd.js': '@graphiql/plugin-explorer/dist/index.umd.js',
  'plugin-explorer.css': '@graphiql/plugin-explorer/dist/style.css',
};
// Parts of the builds that npm would not install beside them today; only their licence texts are taken.
const alsoInside = {
  '@fontsource/fira-code': '5.3.0', // the font inside graphiql.min.css
  '@radix-ui/react-use-escape-keydown': '1.1.1',
  '@react-aria/utils': '3.29.1',
  'graphql-ws': '5.16.2',
};

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, 'vendored');
const temp = mkdtempSync(join(tmpdir(), 'graphiql-'));
try {
  writeFileSync(join(temp, 'package.json'), JSON.stringify({ private: true, dependencies: { ...versions, ...alsoInside } }));
  execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--legacy-peer-deps'],
    { cwd: temp, stdio: ['ignore', 'ignore', 'inherit'] });
  const modules = join(temp, 'node_modules');
  for (const [name, source] of Object.entries(files)) copyFileSync(join(modules, source), join(out, name));
  writeFileSync(join(out, 'LICENSES.txt'), licences(modules));
} finally {
  rmSync(temp, { recursive: true });
}
const sums = readdirSync(out).filter(name => name !== 'SHA256SUMS').sort()
  .map(name => `${createHash('sha256').update(readFileSync(join(out, name))).digest('hex')}  ${name}\n`);
writeFileSync(join(out, 'SHA256SUMS'), sums.join(''));

// The source map of graphiql's build says which packages went into it.
function bundled(modules) {
  const { sources } = JSON.parse(readFileSync(join(modules, 'graphiql/graphiql.min.js.map'), 'utf8'));
  const names = new Set(['scheduler', 'graphiql-explorer', ...Object.keys(versions), ...Object.keys(alsoInside)]);
  for (const source of sources) {
    const installed = source.split('node_modules/').slice(1).pop();
    const workspace = /^\.\.\/\.\.\/(?:graphiql-([^/]+)|([^/]+))\//.exec(source);
    if (installed) names.add(installed.split('/').slice(0, installed.startsWith('@') ? 2 : 1).join('/'));
    else if (workspace) names.add(workspace[1] ? `@graphiql/${workspace[1]}` : workspace[2]);
  }
  return [...names].sort();
}

// One entry for each text, headed by the packages that stand under it.
function licences(modules) {
  const byText = new Map();
  for (const name of bundled(modules)) {
    const folder = [join(modules, name), join(modules, '@graphiql/plugin-explorer/node_modules', name)].find(existsSync);
    if (!folder) throw new Error(`${name} is part of a build, but npm did not install it`);
    const { license, author } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find(entry => /^licen[cs]e/i.test(entry));
    const by = author ? `, by ${author.name ?? author}` : '';
    const text = file
      ? readFileSync(join(folder, file), 'utf8').replaceAll('\r\n', '\n').replace(/[ \t]+$/gm, '').trim()
      : `The package brings no text; its manifest says ${license}${by}.`;
    byText.set(text, [...(byText.get(text) ?? []), `${name} (${license})`]);
  }
  const rule = '='.repeat(100);
  return `What the GraphiQL page is made of, and the licence texts of its parts.
The fonts inside graphiql.min.css are Roboto (Copyright 2011 Google Inc., Apache License 2.0, the text is below)
and Fira Code (Copyright 2014-2020 The Fira Code Project Authors, SIL Open Font License 1.1, the text is below).

${[...byText].map(([text, names]) => `${rule}\n${names.join('\n')}\n${rule}\n\n${text}\n`).join('\n')}`;
}
