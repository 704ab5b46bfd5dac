// Configures vanilla-cookieconsent to call the pixel.
import { prompt } from "./cookieconsent.mjs";

prompt((allowed) => window.oaiq("consent", allowed));
