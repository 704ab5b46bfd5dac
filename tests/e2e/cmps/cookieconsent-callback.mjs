// vanilla-cookieconsent tells the pixel itself.
import { prompt } from "./cookieconsent.mjs";

prompt((allowed) => window.oaiq("consent", allowed));
