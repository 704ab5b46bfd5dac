import { Component } from "@angular/core";
import { bootstrapApplication } from "@angular/platform-browser";
import { provideRouter, RouterLink, RouterOutlet } from "@angular/router";
import type {} from "oaiq";

@Component({
  selector: "shop-home",
  imports: [RouterLink],
  template: `
    <a routerLink="/thanks">Thanks</a>
    <form method="post" action="/api/contact" data-oaiq-fields="lead_created">
      <input name="email" type="email" required />
      <button>Send</button>
    </form>
  `,
})
class Home {}

@Component({ selector: "shop-thanks", template: "<p>Welcome!</p>" })
class Thanks {
  constructor() {
    window.oaiq("measure", "registration_completed", {
      type: "customer_action",
    });
  }
}

@Component({
  selector: "shop-root",
  imports: [RouterOutlet],
  template: "<router-outlet />",
})
class Shop {}

bootstrapApplication(Shop, {
  providers: [
    provideRouter([
      { path: "", component: Home, title: "Shop" },
      { path: "thanks", component: Thanks, title: "Thanks" },
    ]),
  ],
});
