import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { applyTheme } from "./app/preferences";
import { chooseLanguage, language } from "./words/language";
import "./ui/base.css";

applyTheme();
chooseLanguage(language());
const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
