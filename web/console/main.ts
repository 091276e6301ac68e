import '../design/fonts.css';
import '../design/tokens.css';
import '../design/base.css';
import '../design/primitives.css';
import { mount } from 'svelte';
import { openDesk } from './actions/sign';
import { keepBuild } from './model/device';
import { firstLooks } from './model/looks.svelte';
import App from './views/App.svelte';

await firstLooks();
mount(App, { target: document.getElementById('app')! });
void openDesk.run();
if (import.meta.env.PROD) keepBuild();
