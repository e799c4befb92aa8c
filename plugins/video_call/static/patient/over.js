/** After the call: what was sent in it is shown anew when a picture is ready or something is added. */
import { start as startBus } from "careroom/bus";
import { start as startPanels } from "careroom/panels";

startPanels(); // before the bus: no event may come before its listener
startBus();
