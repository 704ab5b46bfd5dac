// vanilla-cookieconsent tells the pixel itself.
import { ask } from "./cookieconsent.mjs";

ask((allowed) => window.oaiq("consent", allowed));
