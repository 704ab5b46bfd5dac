import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter, Link, Route, Routes } from "react-router";
import { Oaiq } from "oaiq/react";
import { Contact } from "./contact.jsx";
import { Thanks } from "./thanks.jsx";

const Home = () => {
  return (
    <>
      <title>Shop</title>
      <Link to="/thanks">Thanks</Link>
      <Contact />
    </>
  );
};

createRoot(document.getElementById("root")).render(
  <StrictMode>
    <Oaiq pixelId="YOUR-PIXEL-ID" pageViews fields />
    <BrowserRouter>
      <Routes>
        <Route path="/" element={<Home />} />
        <Route path="/thanks" element={<Thanks />} />
      </Routes>
    </BrowserRouter>
  </StrictMode>,
);
