import { render } from "preact";
import { App } from "./view/app.jsx";
import { Store } from "./view/store.js";

const root = document.getElementById("inspector");
const store = new Store();
store.connect();
if (root) render(<App store={store} />, root);
