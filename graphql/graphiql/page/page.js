// Starts GraphiQL with the libraries that the page has loaded before, and holds the caller's token.
import { createFetcher } from './fetcher.js';

const place = document.getElementById('graphiql');
const form = document.getElementById('caller');
const state = document.getElementById('caller-state');
const root = ReactDOM.createRoot(place);
const plugins = [GraphiQLPluginExplorer.explorerPlugin()];
const noToken = state.textContent;

// Queries and variables may hold tokens too, so nothing typed here outlives the page, neither tabs nor history.
const memory = new Map();
const storage = {
  get length() { return memory.size; },
  getItem: key => memory.get(key) ?? null,
  setItem: (key, value) => memory.set(key, value),
  removeItem: key => memory.delete(key),
  clear: () => memory.clear(),
};

// A new fetcher makes GraphiQL read the schema again, as the caller who is now known.
function render(token) {
  root.render(React.createElement(GraphiQL, {
    fetcher: createFetcher(place.dataset.queryPath, token),
    shouldPersistHeaders: false,
    plugins,
    storage,
  }));
}

form.addEventListener('submit', event => {
  event.preventDefault();
  const token = form.elements.token.value.trim();
  form.elements.token.value = '';
  state.textContent = token ? 'Requests carry your token until this page is closed or reloaded.' : noToken;
  render(token);
});
form.addEventListener('reset', () => {
  state.textContent = noToken;
  render('');
});
render('');
