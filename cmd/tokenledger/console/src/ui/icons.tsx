// The icons of the side bar: one line of path each, drawn in the colour of the text.
const paths = {
  tokens: 'M4 5.5h12M4 10h12M4 14.5h7', personal: 'M10 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM4 16.5c.6-3 3-4.5 6-4.5s5.400 1.500 6 4.500',
  grants: 'M4 10h9m-3-3.500 3.500 3.500L10 13.500M16 4v12', create: 'M10 4v12M4 10h12',
  live: 'M3 10h3l2-5.500 4 11 2-5.500h3', findings: 'M10 3.500 17 16H3zM10 8.500v3.500m0 2v.1', leak: 'M10 3.500c3 3.500 4.500 5.700 4.500 8a4.500 4.500 0 0 1-9 0c0-2.300 1.500-4.500 4.500-8Z',
  history: 'M10 6v4l2.500 2M4 10a6 6 0 1 0 2-4.500L4 7.500M4 4v3.500h3.500', reviews: 'M4 6l1.500 1.500L8 5M4 13l1.500 1.500L8 12M11 6.500h5M11 13.500h5',
  reports: 'M4 16V9m4 7V4m4 12v-5m4 5V7', proof: 'M10 3.500 16 6v4c0 3.500-2.500 5.700-6 6.500-3.500-.8-6-3-6-6.500V6zM7.500 10l2 2 3.500-4',
  policy: 'M5 4h10v12H5zM8 8h4M8 11h4', people: 'M7.500 9a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5ZM3 16c.4-2.800 2-4.200 4.500-4.200S11.600 13.200 12 16M13 9.500a2 2 0 1 0 0-4M14 12c1.800.4 2.800 1.700 3 4',
  organization: 'M4 16V5h7v11M11 9h5v7M2.500 16h15M6.500 8h2m-2 3h2',
} as const;
export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return <svg viewBox="0 0 20 20" aria-hidden="true"><path d={paths[name]} /></svg>;
}
