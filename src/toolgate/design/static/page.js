// What every page gets where scripts run. Nothing here is needed to use a page.
import { copyButtons } from "./copy.js";
import { localTimes } from "./times.js";
import { themeToggles } from "./themes.js";

copyButtons(document);
localTimes(document);
themeToggles(document);
