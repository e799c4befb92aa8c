/** What every staff-side page loads. What keeps a page live is in boot.js. */
import "careroom/menu";
import "careroom/dialog";
import "careroom/forms";
import "careroom/theme";
import "careroom/popup";
import "careroom/palette";
import "careroom/shortcuts";
import "careroom/tabs";
