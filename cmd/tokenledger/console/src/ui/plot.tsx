// Plots over time, by uPlot, in the colours of the theme. What a plot shows is said in words beside it.
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export type Series = { name: string; color: 'accent' | 'bad-dot' | 'good-dot' | 'warn-dot' | 'mute-dot'; values: number[] };
type Props = { at: number[]; series: Series[]; height?: number; label: string; step: number };

const dayText = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' }), timeText = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const variable = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Bars, one for each step; series stand on each other in the order given. `at` is in seconds. */
export default function Plot({ at, series, height = 150, label, step }: Props) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    let plot: uPlot | undefined;
    const draw = () => {
      plot?.destroy();
      const below = series.map((_, i) => at.map((_, j) => series.slice(0, i + 1).reduce((sum, s) => sum + (s.values[j] ?? 0), 0)));
      const axis = { stroke: variable('ink-3'), font: `11px ${variable('sans')}`, grid: { stroke: variable('line'), width: 1 }, ticks: { show: false } };
      plot = new uPlot({
        width: element.clientWidth, height, legend: { show: false }, cursor: { y: false, points: { show: false } }, padding: [8, 4, 0, 0],
        scales: { x: { time: true, range: [(at[0] ?? 0) - step / 2, (at.at(-1) ?? 1) + step / 2] }, y: { range: (_, __, most) => [0, Math.max(most, 4) * 1.08] } },
        axes: [{ ...axis, grid: { show: false }, size: 26, space: 76, values: (_, splits, __, ___, incr) => splits.map(t => (incr >= 86_400 ? dayText : timeText).format(t * 1000)) }, { ...axis, size: 40, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000, 100_000] }],
        // The tallest is drawn first, and the rest over it.
        series: [{}, ...series.map((s, i) => ({
          label: s.name, fill: variable(series[series.length - 1 - i]!.color), stroke: 'transparent', width: 0,
          paths: uPlot.paths.bars!({ size: [0.82, 40, 1], radius: 0.15 }), points: { show: false },
        }))],
      }, [at, ...below.toReversed()] as uPlot.AlignedData, element);
    };
    draw();
    const resized = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    window.addEventListener('themed', draw);
    return () => { resized.disconnect(); window.removeEventListener('themed', draw); plot?.destroy(); };
  }, [at, series, height, step]);
  return (
    <figure>
      <div ref={box} role="img" aria-label={label} style={{ height, minWidth: 0, overflow: 'hidden' }} />
      <figcaption className="row small soft" style={{ gap: 16, paddingTop: 6 }}>
        {series.map(s => <span key={s.name} className="row" style={{ gap: 6 }}><i style={{ width: 9, height: 9, borderRadius: 2, background: `var(--${s.color})` }} />{s.name}</span>)}
      </figcaption>
    </figure>
  );
}
