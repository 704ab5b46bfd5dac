import { Oaiq } from "oaiq/react";

export const metadata = { title: "Shop" };

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>
        <Oaiq pixelId="YOUR-PIXEL-ID" pageViews fields />
        {children}
      </body>
    </html>
  );
}
