/** What keeps a staff page live: the bus, panels that follow it, and times that stay true. */
import "careroom/lock";
import { start as startBus } from "careroom/bus";
import { start as startPanels } from "careroom/panels";
import { start as startTimes } from "careroom/time";

startPanels(); // before the bus: no event may come before its listener
startTimes();
startBus();
