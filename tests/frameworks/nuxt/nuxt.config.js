const queue = `
  !function(u){var o=u.oaiq||{};if(!o.call){var q=function(){q.q.push(arguments)};q.q=o.pop?o:o.q||o.queue||[],q.queue=o.q&&o.queue,q.config=o.config||{},u.oaiq=q}}(window,document);
  oaiq("init", { pixelId: "YOUR-PIXEL-ID" });
`;

export default defineNuxtConfig({
  telemetry: false,
  compatibilityDate: "2026-11-01",
  app: {
    head: {
      script: [
        { innerHTML: queue },
        {
          src: "/oaiq/oaiq.min.js",
          async: true,
          "data-oaiq-page-views": "",
          "data-oaiq-fields": "",
        },
      ],
    },
  },
});
