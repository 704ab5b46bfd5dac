import { createApp } from "vue";
import { createRouter, createWebHistory } from "vue-router";
import App from "./app.vue";
import Home from "./home.vue";
import Thanks from "./thanks.vue";

const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: "/", component: Home, meta: { title: "Shop" } },
    { path: "/thanks", component: Thanks, meta: { title: "Thanks" } },
  ],
});
router.afterEach(({ meta }) => {
  document.title = meta.title;
});

createApp(App).use(router).mount("#app");
