/** The bar below the picture: play, time, speed, contacts. */
import type { ViewerSource } from './source.ts';

export interface ControlState {
  playing: boolean;
  speed: number;
  showContacts: boolean;
}

export interface Controls {
  update(frame: number): void;
  remove(): void;
}

const speeds = [2, 1, 0.5, 0.25, 0.1];

export function makeControls(
  container: HTMLElement,
  source: ViewerSource,
  state: ControlState,
  seek: (frame: number) => void,
): Controls {
  const bar = document.createElement('div');
  Object.assign(bar.style, {
    position: 'absolute',
    left: '0',
    right: '0',
    bottom: '0',
    display: 'flex',
    gap: '12px',
    alignItems: 'center',
    padding: '8px 14px',
    font: '13px system-ui, sans-serif',
    color: '#14263a',
    background: 'rgba(255, 255, 255, 0.8)',
  });
  if (getComputedStyle(container).position === 'static') container.style.position = 'relative';
  const play = document.createElement('button');
  play.setAttribute('aria-label', 'play or pause');
  play.style.width = '64px';
  const slider = document.createElement('input');
  Object.assign(slider, { type: 'range', min: '0', max: String(Math.max(0, source.frames - 1)), step: '1' });
  slider.setAttribute('aria-label', 'frame');
  slider.style.flex = '1';
  slider.hidden = !Number.isFinite(source.frames);
  const speed = document.createElement('select');
  speed.setAttribute('aria-label', 'speed');
  for (const s of speeds) speed.append(new Option(`${s} ×`, String(s), s === state.speed, s === state.speed));
  const contacts = document.createElement('input');
  Object.assign(contacts, { type: 'checkbox', checked: state.showContacts });
  const label = document.createElement('label');
  label.append(contacts, ' contacts');
  const text = document.createElement('span');
  text.style.fontVariantNumeric = 'tabular-nums';
  const title = document.createElement('strong');
  title.textContent = source.title;
  bar.append(play, slider, text, speed, label, title);
  container.append(bar);

  const update = (frame: number): void => {
    play.textContent = state.playing ? 'Pause' : 'Play';
    slider.value = String(frame);
    const caption = source.caption?.(frame);
    text.textContent = `${(frame * source.dt).toFixed(2)} s${caption === undefined ? '' : ` · ${caption}`}`;
  };
  play.onclick = () => {
    state.playing = !state.playing;
    play.textContent = state.playing ? 'Pause' : 'Play';
  };
  slider.oninput = () => {
    state.playing = false;
    play.textContent = 'Play';
    seek(Number(slider.value));
  };
  speed.onchange = () => {
    state.speed = Number(speed.value);
  };
  contacts.onchange = () => {
    state.showContacts = contacts.checked;
  };
  return { update, remove: () => bar.remove() };
}
