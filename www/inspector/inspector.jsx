import { render } from "preact";
import { App } from "./view/app.jsx";
import { Store } from "./view/store.js";

const store = new Store();
store.follow();
render(<App store={store} />, document.getElementById("inspector"));
